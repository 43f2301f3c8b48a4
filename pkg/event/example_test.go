package event_test

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/hookline/hookline/pkg/event"
)

// The routing key is made of source and action. Routes match it with patterns such as "alma.loan.#".
func ExampleEvent_Key() {
	e := event.Event{ID: "77", Source: "alma", Action: "loan.loan_created"}
	fmt.Println(e.Key())
	// Output: alma.loan.loan_created
}

// The JSON form has the names of CloudEvents 1.0. The handlers http and exec give it to programs in other languages.
func ExampleEvent_MarshalJSON() {
	e := event.Event{
		ID: "77", Source: "alma", Action: "loan.loan_created",
		Time:        time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		ContentType: "application/json",
		Header:      map[string]string{"X-Request-Id": "r-1"},
		Data:        []byte(`{"id":"77"}`),
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	if err := out.Encode(e); err != nil {
		fmt.Println(err)
	}
	// Output:
	// {
	//   "specversion": "1.0",
	//   "id": "77",
	//   "source": "alma",
	//   "type": "loan.loan_created",
	//   "time": "2026-03-01T12:00:00.000Z",
	//   "datacontenttype": "application/json",
	//   "header": {
	//     "X-Request-Id": "r-1"
	//   },
	//   "data_base64": "eyJpZCI6Ijc3In0="
	// }
}

func ExampleEvent_UnmarshalJSON() {
	text := `{"specversion":"1.0","id":"77","source":"alma","type":"loan.loan_created","time":"2026-03-01T12:00:00Z","data_base64":"eyJpZCI6Ijc3In0="}`
	var e event.Event
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(e.ID, e.Action, string(e.Data))
	// Output: 77 loan.loan_created {"id":"77"}
}

// Names of a sender become words of a routing key.
func ExampleNewAction() {
	fmt.Println(event.NewAction("LOAN", "LOAN_CREATED"))
	fmt.Println(event.NewAction("Merge Request Hook"))
	fmt.Println(event.NewAction(""))
	// Output:
	// loan.loan_created
	// merge_request_hook
	// unreadable
}

// The same message has the same ID each time, so that a repeat can be recognised.
func ExampleNewID() {
	fmt.Println(event.NewID("evt_1", nil))
	fmt.Println(event.NewID("", []byte(`{"type":"made"}`)))
	fmt.Println(event.NewID("", []byte(`{"type":"made"}`)))
	// Output:
	// evt_1
	// sha256-950b532be6055a6575a23a1c6e4d6c27
	// sha256-950b532be6055a6575a23a1c6e4d6c27
}
