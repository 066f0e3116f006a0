{{ conformed('order_line', ['generic']) }}
