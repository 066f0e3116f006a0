{{ conformed('customer', ['hubspot', 'zendesk', 'typeform', 'ga4_export', 'generic']) }}
