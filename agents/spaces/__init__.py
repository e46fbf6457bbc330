"""From Gymnasium spaces to networks: observations to encoders, actions to heads."""
