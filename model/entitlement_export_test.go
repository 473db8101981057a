package model

// What the tests of package model_test see of the rules.

type (
	Rules       = rules
	RuleGroup   = ruleGroup
	GroupName   = groupName
	Claimant    = claimant
	Entitlement = entitlement
	Holding     = holding
)

// Decide is what rules grant a user.
func Decide(r *Rules, c Claimant) Entitlement { return r.decide(c) }

// Settle is what becomes of what a user holds.
func Settle(want []string, held map[string]Holding, manual bool) map[string]Holding {
	return settle(want, held, manual)
}
