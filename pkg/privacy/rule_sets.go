package privacy

import (
	"fmt"
	"strings"
)

// AlmaPatrons is the rule set for the patron data of Alma: LOAN, REQUEST and USER events, and letters.
const AlmaPatrons = "alma-patrons"

// Sets returns the names of the rule sets.
func Sets() []string { return []string{AlmaPatrons} }

// set returns the rules of a set: verbs by path.
func set(name string) (map[string]string, error) {
	switch name {
	case "":
		return map[string]string{}, nil
	case AlmaPatrons:
		return almaPatrons(), nil
	}
	return map[string]string{}, fmt.Errorf("set %q: there is %s", name, strings.Join(Sets(), ", "))
}

// almaPatrons keeps fields that are known to name no patron. It hashes the primary ID, which joins the events of a patron. It drops all
// other fields, because Alma adds fields over the years, "link" holds a patron's ID, and the fields of a NOTIFICATION are undocumented.
// The names are those of Alma's schemas rest_item_loan, rest_user_request, webhook_user_extended and rest_user.
func almaPatrons() map[string]string {
	all := map[string]string{}
	add := func(verb, parent, names string) {
		for name := range strings.FieldsSeq(names) {
			all[parent+name] = verb
		}
	}
	add(drop, "", "* item_loan.* user_request.* webhook_user.* webhook_user.user.* enriched.*")
	add(hash, "", "item_loan.user_id user_request.user_primary_id webhook_user.user.primary_id enriched.primary_id")
	add(keep, "", "id action institution time event job_instance bib holding item portfolio representation")
	add(keep, "item_loan.", `loan_id circ_desk return_circ_desk library item_barcode due_date loan_status loan_date return_date process_status
		mms_id holding_id item_id title author description publication_year call_number location_code item_policy renewable
		last_renew_date last_renew_status`)
	add(keep, "user_request.", `request_id request_type request_sub_type request_status request_date request_time mms_id holding_id item_id barcode
		title author description volume issue part date_of_publication material_type pickup_location pickup_location_type
		pickup_location_library managed_by_library managed_by_library_code task_name place_in_queue expiry_date
		booking_start_date booking_end_date`)
	add(keep, "webhook_user.", "method cause")
	// A route's enrich step adds a user, a record or an item.
	for _, user := range []string{"webhook_user.user.", "enriched."} {
		add(keep, user, "record_type user_group campus_code preferred_language account_type status status_date expiry_date purge_date")
	}
	add(keep, "enriched.", `bib_data holding_data item_data
		mms_id record_format linked_record_id title author issn isbn complete_edition network_number place_of_publication date_of_publication
		publisher_const publisher holdings created_by created_date last_modified_by last_modified_date suppress_from_publishing
		suppress_from_external_search suppress_from_metadoor sync_with_oclc sync_with_libraries_australia originating_system
		originating_system_id cataloging_level brief_level rank anies record`)
	return all
}
