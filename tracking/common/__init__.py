"""What every package needs: errors, seeds, options, files, statistics."""
