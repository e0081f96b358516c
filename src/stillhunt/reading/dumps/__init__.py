"""Files that hold many messages or articles: what a chat, a leak or a feed was dumped into."""
