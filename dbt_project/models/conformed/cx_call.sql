{{ conformed('call', ['generic']) }}
