package setting

// List is a list of texts that may be written as its only item: match: "#" is match: ["#"].
type List []string

// UnmarshalYAML reads a text or a list of texts.
func (l *List) UnmarshalYAML(decode func(any) error) error {
	var one string
	if decode(&one) == nil {
		*l = List{one}
		return nil
	}
	return decode((*[]string)(l))
}
