package exec

import (
	"errors"
	"fmt"
	"os/user"
	"strconv"
	"syscall"
)

// credential returns the IDs of a user, by name or number, and of its groups. It returns nil for no user.
func credential(name string) (*syscall.Credential, error) {
	if name == "" {
		return nil, nil //nolint:nilnil // the process keeps its own
	}
	found, err := user.Lookup(name)
	if err != nil {
		found, err = user.LookupId(name)
	}
	if err != nil {
		return nil, fmt.Errorf("user: there is no user %q on this machine: %w", name, err)
	}
	names, err := found.GroupIds()
	if err != nil {
		return nil, fmt.Errorf("user %s: groups: %w", name, err)
	}
	groups := make([]uint32, len(names))
	var errs []error
	for i, group := range names {
		groups[i], err = number(group)
		errs = append(errs, err)
	}
	uid, err := number(found.Uid)
	gid, gidErr := number(found.Gid)
	return &syscall.Credential{Uid: uid, Gid: gid, Groups: groups}, errors.Join(append(errs, err, gidErr)...)
}

func number(id string) (uint32, error) {
	n, err := strconv.ParseUint(id, 10, 32)
	return uint32(n), err
}
