package main

import (
	"go/ast"
	"go/token"
	"strconv"
)

// The kinds of changes.
const (
	negate      = "condition negated"
	never       = "condition never true"
	compare     = "comparison"
	sign        = "sign"
	removed     = "statement removed"
	branch      = "branch"
	undeferred  = "defer removed"
	unlocked    = "lock removed"
	swallowed   = "error returned as nil"
	constant    = "constant by one"
	branchEmpty = "branch emptied"
)

// edit replaces the text between two places.
type edit struct {
	kind     string
	from, to token.Pos
	replace  func(before string) string
}

var (
	comparisons = map[token.Token]string{
		token.LSS: "<=", token.LEQ: "<", token.GTR: ">=", token.GEQ: ">", token.EQL: "!=", token.NEQ: "==",
	}
	signs    = map[token.Token]string{token.ADD: "-", token.SUB: "+", token.MUL: "/", token.QUO: "*"}
	branches = map[token.Token]string{token.CONTINUE: "break", token.BREAK: "continue"}
	locks    = map[string]bool{"Lock": true, "Unlock": true, "RLock": true, "RUnlock": true}
)

// edits returns the changes of a declaration. Some of them do not compile, which only a build can tell.
func edits(decl ast.Decl) []edit {
	var found []edit
	add := func(kind string, from, to token.Pos, after string) {
		found = append(found, edit{kind, from, to, func(string) string { return after }})
	}
	ast.Inspect(decl, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.IfStmt:
			found = append(found,
				edit{negate, n.Cond.Pos(), n.Cond.End(), func(c string) string { return "!(" + c + ")" }},
				edit{never, n.Cond.Pos(), n.Cond.End(), func(c string) string { return "(" + c + ") && false" }})
			if n.Else != nil {
				add(branchEmpty, n.Else.Pos(), n.Else.End(), "{}")
			}
		case *ast.BinaryExpr:
			if after, ok := comparisons[n.Op]; ok {
				add(compare, n.OpPos, n.OpPos+token.Pos(len(n.Op.String())), after)
			}
			if after, ok := signs[n.Op]; ok {
				add(sign, n.OpPos, n.OpPos+token.Pos(len(n.Op.String())), after)
			}
		case *ast.BlockStmt:
			found = append(found, lockEdits(n.List)...)
			found = append(found, removals(n.List)...)
		case *ast.CaseClause:
			found = append(found, removals(n.Body)...)
		case *ast.CommClause:
			found = append(found, removals(n.Body)...)
		case *ast.BranchStmt:
			if after, ok := branches[n.Tok]; ok && n.Label == nil {
				add(branch, n.Pos(), n.End(), after)
			}
		case *ast.ReturnStmt:
			if last := len(n.Results) - 1; last >= 0 && returnsError(n.Results[last]) {
				add(swallowed, n.Results[last].Pos(), n.Results[last].End(), "nil")
			}
		case *ast.BasicLit:
			if value, err := strconv.ParseInt(n.Value, 0, 64); n.Kind == token.INT && err == nil {
				add(constant, n.Pos(), n.End(), strconv.FormatInt(value+1, 10))
			}
		}
		return true
	})
	return found
}

// returnsError reports whether an expression looks like an error: err, or a call of fmt.Errorf, errors.New or errors.Join.
func returnsError(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name == "err"
	case *ast.CallExpr:
		if fn, ok := e.Fun.(*ast.SelectorExpr); ok {
			return fn.Sel.Name == "Errorf" || fn.Sel.Name == "Join" && isName(fn.X, "errors") || fn.Sel.Name == "New" && isName(fn.X, "errors")
		}
	}
	return false
}

func isName(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}

// removals returns the removal of each call, assignment, increment and defer in a list of statements, locks excepted.
func removals(list []ast.Stmt) []edit {
	var found []edit
	for _, s := range list {
		kind := removed
		switch s := s.(type) {
		case *ast.ExprStmt:
			if _, isCall := s.X.(*ast.CallExpr); !isCall || isLock(s.X) {
				continue
			}
		case *ast.DeferStmt:
			if isLock(s.Call) {
				continue
			}
			kind = undeferred
		case *ast.AssignStmt:
			if s.Tok == token.DEFINE {
				continue
			}
		case *ast.IncDecStmt:
		default:
			continue
		}
		found = append(found, edit{kind, s.Pos(), s.End(), func(string) string { return "" }})
	}
	return found
}

// lockEdits returns the removal of each lock together with its unlock in the same list of statements.
func lockEdits(list []ast.Stmt) []edit {
	var found []edit
	for i, s := range list {
		e, ok := s.(*ast.ExprStmt)
		if !ok || !isLock(e.X) {
			continue
		}
		for _, other := range list[i+1:] {
			if unlocks(other) {
				from, cut, end := s.Pos(), other.Pos(), other.End()
				found = append(found, edit{unlocked, from, end, func(text string) string {
					return text[e.End()-from : cut-from]
				}})
				break
			}
		}
	}
	return found
}

func unlocks(s ast.Stmt) bool {
	switch s := s.(type) {
	case *ast.ExprStmt:
		return isLock(s.X)
	case *ast.DeferStmt:
		return isLock(s.Call)
	}
	return false
}

func isLock(e ast.Expr) bool {
	call, ok := e.(*ast.CallExpr)
	if !ok {
		return false
	}
	fn, ok := call.Fun.(*ast.SelectorExpr)
	return ok && locks[fn.Sel.Name]
}
