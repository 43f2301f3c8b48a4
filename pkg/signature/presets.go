package signature

// preset is a scheme with its name in the configuration.
type preset struct {
	name   string
	scheme Scheme
}

// presets is the table of senders. Each row follows the sender's documentation of its webhooks.
func presets() []preset {
	return []preset{
		{"alma", Scheme{Kind: HMAC, Template: "{body}",
			Signature: Signature{In: "header:X-Exl-Signature", Encoding: Base64}}},
		{"github", Scheme{Kind: HMAC, Template: "{body}",
			Signature: Signature{In: "header:X-Hub-Signature-256", Prefix: "sha256=", Encoding: Hex}}},
		{"stripe", Scheme{Kind: HMAC, Template: "{timestamp}.{body}",
			Signature: Signature{In: "header:Stripe-Signature", Separator: ",", Prefix: "v1=", Encoding: Hex},
			Timestamp: Timestamp{In: "signature:t", Unit: Seconds}}},
		{"slack", Scheme{Kind: HMAC, Template: "v0:{timestamp}:{body}",
			Signature: Signature{In: "header:X-Slack-Signature", Prefix: "v0=", Encoding: Hex},
			Timestamp: Timestamp{In: "header:X-Slack-Request-Timestamp", Unit: Seconds}}},
		{"shopify", Scheme{Kind: HMAC, Template: "{body}",
			Signature: Signature{In: "header:X-Shopify-Hmac-SHA256", Encoding: Base64}}},
		{"standard-webhooks", Scheme{Kind: HMAC, Template: "{id}.{timestamp}.{body}", KeyEncoding: Base64, KeyPrefix: "whsec_",
			Signature: Signature{In: "header:webhook-signature", Separator: " ", Prefix: "v1,", Encoding: Base64},
			Timestamp: Timestamp{In: "header:webhook-timestamp", Unit: Seconds},
			ID:        "header:webhook-id"}},
		{"gitlab", Scheme{Kind: Token, Token: "header:X-Gitlab-Token"}},
		{"bitbucket", Scheme{Kind: HMAC, Template: "{body}",
			Signature: Signature{In: "header:X-Hub-Signature", Prefix: "sha256=", Encoding: Hex}}},
		{"meta", Scheme{Kind: HMAC, Template: "{body}",
			Signature: Signature{In: "header:X-Hub-Signature-256", Prefix: "sha256=", Encoding: Hex}}},
		{"dropbox", Scheme{Kind: HMAC, Template: "{body}",
			Signature: Signature{In: "header:X-Dropbox-Signature", Encoding: Hex}}},
		{"zoom", Scheme{Kind: HMAC, Template: "v0:{timestamp}:{body}",
			Signature: Signature{In: "header:x-zm-signature", Prefix: "v0=", Encoding: Hex},
			Timestamp: Timestamp{In: "header:x-zm-request-timestamp", Unit: Seconds}}},
		{"token", Scheme{Kind: Token, Token: "bearer"}},
		{"basic", Scheme{Kind: Token, Token: "basic"}},
	}
}

// Preset returns the scheme of a known sender; see Presets.
func Preset(name string) (Scheme, bool) {
	for _, p := range presets() {
		if p.name == name {
			return p.scheme, true
		}
	}
	return Scheme{}, false
}

// Presets returns the names of the known senders. "token" is any bearer token and "basic" any user and password.
func Presets() []string {
	var names []string
	for _, p := range presets() {
		names = append(names, p.name)
	}
	return names
}
