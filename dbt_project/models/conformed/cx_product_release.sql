{{ conformed('product_release', ['generic']) }}
