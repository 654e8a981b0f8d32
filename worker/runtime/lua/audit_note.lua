-- Add a line to the audit record for what happens outside of the store. ARGV: kind, JSON list of names and values in turn.
audit(ARGV[1], cjson.decode(ARGV[2]))
return record_head.seq
