{{ conformed('support_ticket', ['zendesk', 'generic']) }}
