"""From a message to the world: deliveries as jobs of the platform's merchant, and the kind that sends."""
