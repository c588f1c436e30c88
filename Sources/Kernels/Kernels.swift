// Order-fixed arithmetic: every output element has one accumulation order.
