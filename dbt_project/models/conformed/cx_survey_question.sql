{{ conformed('survey_question', ['typeform', 'generic']) }}
