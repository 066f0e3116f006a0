{{ conformed('order', ['hubspot', 'generic']) }}
