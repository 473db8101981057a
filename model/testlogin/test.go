package testlogin

import (
	"time"

	"rollcall/model"
	"rollcall/model/connection"
)

// Prefix is that of the ids of tests, as model.Prefix has them for other things.
const Prefix model.Prefix = "test"

const (
	// Kept is how long a test is kept.
	Kept = 7 * 24 * time.Hour
	// proofTime is how long a test proves that the connection works.
	proofTime = 24 * time.Hour
	// MaxTests is how many tests of a connection an hour may have: those begun with a set-up link,
	// and besides those at the login address of a draft.
	MaxTests = 30
	// MaxListed is how many tests one list has at most.
	MaxListed = 100
)

// Result is how a test ended.
type Result string

// The results. Amber is a login that succeeds, with something to look at.
const (
	Pending Result = "pending" // nothing has come back
	Green   Result = "green"
	Amber   Result = "amber"
	Red     Result = "red" // a login would be refused; see Test.Reason
)

// Test is a test login.
type Test struct {
	ID             string               `gorm:"primaryKey"`
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	ConnectionID   string
	Actor          model.Actor // who began it; empty for one at the login address of a draft
	BrowserHash    []byte      // of the browser in which a test without an Actor was made
	Result         Result
	Reason         string     // as in the login log; empty unless Red
	TrustVersion   int64      // of the connection by which the answer was read
	Sealed         []byte     // the Report
	CreatedAt      model.Time `gorm:"autoCreateTime:false"`
	AnsweredAt     *model.Time
	ExpiresAt      model.Time // when the test is deleted

	Report *Report `gorm:"-"` // nil while the test is Pending
}

// TableName is the table of Test.
func (Test) TableName() string { return "test_logins" }

// purpose is what the report is sealed for.
func (t *Test) purpose() string { return "test_logins/" + t.ID + "/sealed" }

// Passed returns whether the login would have signed somebody in.
func (t *Test) Passed() bool { return t.Result == Green || t.Result == Amber }

// ByVersion returns whether the answer was read by the connection as it is set up now.
func (t *Test) ByVersion(c *connection.Connection) bool {
	return t.ConnectionID == c.ID && t.TrustVersion == c.TrustVersion && t.AnsweredAt != nil
}

// Report is what a test showed.
type Report struct {
	Expected, Received string // as in the login log, where the login would be refused
	Notes              []string
	Checks             []Check
	Outcome            Outcome
	Groups             []string            // as sent
	Attributes         map[string][]string // as sent
}

// Check compares one thing of the answer with what was expected.
type Check struct {
	Subject            Subject
	Expected, Received string
	Verdict            Verdict
}

// Subject is what a Check is about.
type Subject string

// What is checked, in the order in which it is shown. Answered is there only where something else
// came than an answer that can be checked.
const (
	Answered    Subject = "answer"
	Signature   Subject = "signature"
	Certificate Subject = "certificate"
	Issuer      Subject = "issuer"
	Audience    Subject = "audience"
	Recipient   Subject = "recipient"
	Timing      Subject = "time"
	Person      Subject = "person"
	Email       Subject = "email"
	FirstName   Subject = "first_name"
	LastName    Subject = "last_name"
	GroupsSent  Subject = "groups"
	Others      Subject = "attributes"
)

// Verdict is what a Check found.
type Verdict string

// The verdicts. Look is something that may be meant so. Missing did not come, or was not reached.
const (
	Fits    Verdict = "fits"
	Look    Verdict = "look"
	Missing Verdict = "missing"
	Wrong   Verdict = "wrong"
)

// Outcome is what a real login would have done. It is empty where it would have been refused.
type Outcome struct {
	How      string // one of signon.Known, signon.Linked and signon.Created
	Email    string // of the user
	Role     string
	Licenses []string // names of accounts
	Waiting  []string // names of accounts without a free seat
	Groups   []string // names of groups of accounts
}
