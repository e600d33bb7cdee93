"""The paper's claims, judged by our runs, and the page that shows both."""
