"""Articles written for the demonstration: invented events, firms and ships, so that nobody is accused of anything."""
