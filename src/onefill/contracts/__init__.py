"""What other programs speak: the wire's messages, their bytes, and how an order is told in them."""
