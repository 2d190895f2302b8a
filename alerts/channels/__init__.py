"""What is sent, byte for byte: pure functions from an order to the payloads of those who are told."""
