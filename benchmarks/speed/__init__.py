"""Speed against peers: fair timing, and what is timed."""
