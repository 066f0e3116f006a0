{{ conformed('account', ['hubspot', 'zendesk', 'generic']) }}
