{{ conformed('message', ['zendesk', 'generic']) }}
