package console_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/hookline/hookline/console/consoletest"
)

func TestHomeSaysTheVerdictAndTheSum(t *testing.T) {
	_, page := open(t, consoletest.Filled(t).Parts()).get("/")
	wants(t, page,
		"<h1>Nothing is lost. Five things need a person.</h1>",
		"192,307 events stored since 3 October made 371,170 deliveries",
		"371,170", "369,514", "1,532", "Unaccounted</dt><dd>0</dd>",
		"41 events of exports failed for good", "Route catalogue has paused itself for alma", "10:45:47",
		"3 events stored that no route wants", "alma-sandbox", "in Vienna", "production")
	if strings.Index(page, "41 events of exports") > strings.Index(page, "26 events of loans") {
		t.Error("the most urgent is not first")
	}
}

func TestHomeOfAFirstVisitSaysTheNextSteps(t *testing.T) {
	_, page := open(t, (&consoletest.Library{}).Parts()).get("/")
	wants(t, page, "Ready. Nothing has come yet.", "https://hooks.example.org/webhooks/alma", "hookline send alma job_end")
}

func TestHomeWithoutABrokerSaysSo(t *testing.T) {
	library := consoletest.Filled(t)
	library.Leave(true)
	status, page := open(t, library.Parts()).get("/")
	if status != http.StatusOK {
		t.Errorf("status %d", status)
	}
	wants(t, page, "RabbitMQ does not answer", consoletest.ErrAway.Error(), "What was stored is still stored")
}

func TestAMissingPageSaysTheNextStep(t *testing.T) {
	status, page := open(t, consoletest.Filled(t).Parts()).get("/nothing")
	if status != http.StatusNotFound {
		t.Errorf("status %d", status)
	}
	wants(t, page, "There is no such page", "Events are found by the field above")
}
