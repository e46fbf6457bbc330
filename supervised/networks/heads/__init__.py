"""From features to distributions and values."""
