package privacy

import (
	"fmt"
	"strings"
)

// AlmaPatrons is the set for what Alma tells about its patrons: LOAN, REQUEST and USER events, and letters.
const AlmaPatrons = "alma-patrons"

// Sets names them.
func Sets() []string { return []string{AlmaPatrons} }

// set is what becomes of which path.
func set(name string) (map[string]string, error) {
	switch name {
	case "":
		return map[string]string{}, nil
	case AlmaPatrons:
		return almaPatrons(), nil
	}
	return map[string]string{}, fmt.Errorf("set %q: there is %s", name, strings.Join(Sets(), ", "))
}

// almaPatrons keeps what is known to name no patron, hashes the primary ID that joins events of the same one, and drops
// all else: Alma adds fields over the years, "link" holds a patron's ID, and what a NOTIFICATION holds is not documented.
// Names are those of Alma's schemas rest_item_loan, rest_user_request, webhook_user_extended and rest_user.
func almaPatrons() map[string]string {
	all := map[string]string{}
	add := func(verb, parent, names string) {
		for name := range strings.FieldsSeq(names) {
			all[parent+name] = verb
		}
	}
	add(drop, "", "* item_loan.* user_request.* webhook_user.* webhook_user.user.*")
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
	add(keep, "webhook_user.user.", "record_type user_group campus_code preferred_language account_type status status_date expiry_date purge_date")
	// What a route's enrich has read is a user, a record or an item, and only the user's fields are taken out.
	add(drop, "enriched.", `first_name middle_name last_name full_name pref_first_name pref_middle_name pref_last_name pref_name_suffix user_title
		job_category job_description gender birth_date pin_number password web_site_url external_id contact_info user_identifier user_role
		user_block user_note user_statistic proxy_for_user researcher requests loans fees link`)
	return all
}
