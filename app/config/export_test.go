package config

// Parse is File.Read of a text; file is for messages, and the folder where *_file values are looked for.
func Parse(file string, text []byte, env Env, kinds MakeKinds) (*Config, error) {
	return check(file, text, env, kinds, contents{}, func(Problem) bool { return false })
}
