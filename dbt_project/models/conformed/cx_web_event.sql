{{ conformed('web_event', ['ga4_export', 'generic']) }}
