{{ conformed('store_visit', ['generic']) }}
