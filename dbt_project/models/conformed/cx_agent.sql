{{ conformed('agent', ['hubspot', 'zendesk', 'generic']) }}
