"""What a channel holds: shards of photos or features of them, and which images each batch takes."""
