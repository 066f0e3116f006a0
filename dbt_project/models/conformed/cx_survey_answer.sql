{{ conformed('survey_answer', ['typeform', 'generic']) }}
