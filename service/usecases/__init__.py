"""What the utility does: one public function is one transaction."""
