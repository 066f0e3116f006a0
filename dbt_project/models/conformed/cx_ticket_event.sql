{{ conformed('ticket_event', ['zendesk', 'generic']) }}
