package notify

import (
	"context"
	"net/http"
	"strings"

	"github.com/hookline/hookline/pkg/text"
)

// teamsPrefix begins the address of a workflow of Microsoft Teams: "teams+" and the https address that the workflow "Post to a
// channel when a webhook request is received" shows. shoutrrr's own teams:// is for connectors, the predecessors of workflows.
const teamsPrefix = "teams+"

type teams struct {
	url    string
	client *http.Client
}

// Send posts an Adaptive Card (adaptivecards.io) with one block of text.
func (t teams) Send(ctx context.Context, m Message) error {
	content, err := text.JSON(m.Text)
	if err != nil {
		return err
	}
	body := `{"type":"message","attachments":[{"contentType":"application/vnd.microsoft.card.adaptive","content":` +
		`{"type":"AdaptiveCard","version":"1.4","body":[{"type":"TextBlock","wrap":true,"text":` + content + `}]}}]}`
	return post(ctx, t.client, t.url, http.Header{"Content-Type": {"application/json"}}, body)
}

func newTeams(address string) (Sender, error) {
	url := strings.TrimPrefix(address, teamsPrefix)
	return teams{url, newClient()}, checkURL("url", url)
}
