{{ conformed('order_adjustment', ['generic']) }}
