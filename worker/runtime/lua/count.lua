-- Count what changes no state. ARGV: JSON list of metric series and amounts by pairs.
count_all(cjson.decode(ARGV[1]))
