{{ conformed('survey_response', ['zendesk', 'typeform', 'generic']) }}
