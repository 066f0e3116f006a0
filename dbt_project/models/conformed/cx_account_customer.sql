{{ conformed('account_customer', ['hubspot', 'generic']) }}
