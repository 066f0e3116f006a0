{{ conformed('survey', ['zendesk', 'typeform', 'generic']) }}
