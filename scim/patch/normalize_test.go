package patch

import (
	"strings"
	"testing"
)

// The rows are the probes of real clients' requests, by the names under which they were recorded.
// In paths, E:, A:, X: and U: stand for URNs.
func TestNormalizeUsers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, ops, want string // want is operations, or an error that starts with its scimType
	}{
		{"op Replace active bool", `{"op":"Replace","path":"active","value":false}`, `replace active false`},
		{"op Replace active False", `{"op":"Replace","path":"active","value":"False"}`, `replace active false`},
		{"no path active", `{"op":"replace","value":{"active":false}}`, `replace active false`},
		{"no path active string", `{"op":"replace","value":{"active":"False"}}`, `replace active false`},
		{"active in another case", `{"op":"Replace","path":"active","value":"tRUE"}`, `replace active true`},
		{"active as a number", `{"op":"Replace","path":"active","value":1}`, `invalidValue: Operations[0]: active must be true or false`},
		{"active in Microsoft's list", `{"op":"Replace","path":"active","value":[{"$ref":null,"value":"False"}]}`, `replace active false`},
		{"active in Microsoft's list without a path", `{"op":"Replace","value":{"active":[{"value":"False"}]}}`, `replace active false`},
		{"a string in Microsoft's list", `{"op":"Add","path":"displayName","value":[{"$ref":null,"value":"B"}]}`, `add displayName "B"`},
		{"a sub-attribute in Microsoft's list", `{"op":"Replace","path":"name.familyName","value":[{"value":"B"}]}`, `replace name.familyName "B"`},
		{"nothing in Microsoft's list", `{"op":"Replace","path":"title","value":[{"$ref":null,"value":null}]}`, `remove title`},
		{"two in Microsoft's list", `{"op":"Replace","path":"title","value":[{"value":"a"},{"value":"b"}]}`, `invalidValue: Operations[0]: title must be a string`},
		{"more in Microsoft's list", `{"op":"Replace","path":"title","value":[{"value":"a","type":"b"}]}`, `invalidValue: Operations[0]: title must be a string`},
		{"a list of one string", `{"op":"Replace","path":"title","value":["a"]}`, `invalidValue: Operations[0]: title must be a string`},
		{"active as 1 in a string", `{"op":"Replace","path":"active","value":"1"}`, `invalidValue: Operations[0]: active must be true or false`},
		{"op upper", `{"op":"ADD","path":"nickName","value":"Babs"}`, `add nickName "Babs"`},
		{"unknown op", `{"op":"move","path":"nickName","value":"Babs"}`, `invalidSyntax: Operations[0]: op must be "add", "replace" or "remove"`},
		{"op missing", `{"path":"nickName","value":"Babs"}`, `invalidSyntax: Operations[0]: op must be "add", "replace" or "remove"`},
		{"op a number", `{"op":1,"path":"nickName"}`, `invalidSyntax: Operations[0]: op must be "add", "replace" or "remove"`},
		{"operation no object", `"replace"`, `invalidSyntax: Operations[0]: an operation must be an object`},
		{"the second operation wrong", `{"op":"add","path":"title","value":"a"},{"op":"add","path":"title","value":1}`, `invalidValue: Operations[1]: title must be a string`},
		{"keys in another case", `{"OP":"add","Path":"title","VALUE":"a"}`, `add title "a"`},
		{"keys twice", `{"op":"add","Op":"remove","path":"title"}`, `invalidSyntax: Operations[0]: "op" is there twice; send it once`},
		{"path a number", `{"op":"add","path":1,"value":"x"}`, `invalidSyntax: Operations[0]: path must be a string`},
		{"path null", `{"op":"add","path":null,"value":{"title":"t"}}`, `add title "t"`},

		{"name.familyName", `{"op":"Replace","path":"name.familyName","value":"New"}`, `replace name.familyName "New"`},
		{"name complex", `{"op":"Replace","path":"name","value":{"familyName":"New"}}`, `replace name {"familyName":"New"}`},
		{"name complex null sub", `{"op":"Replace","path":"name","value":{"familyName":null,"givenName":"X"}}`, `
			remove name.familyName
			replace name {"givenName":"X"}`},
		{"name complex empty sub", `{"op":"Replace","path":"name","value":{"familyName":"","givenName":"X"}}`, `
			remove name.familyName
			replace name {"givenName":"X"}`},
		{"name complex null sub added", `{"op":"add","path":"name","value":{"familyName":null,"givenName":"X"}}`, `add name {"givenName":"X"}`},
		{"name only nulls", `{"op":"replace","path":"name","value":{"familyName":null}}`, `remove name.familyName`},
		{"name with unknown sub-attributes only", `{"op":"replace","path":"name","value":{"nope":"x"}}`, ``},
		{"name twice", `{"op":"replace","path":"name","value":{"familyName":"a","FamilyName":"b"}}`, `invalidSyntax: Operations[0]: name.familyName is there twice; send it once`},
		{"name a string", `{"op":"replace","path":"name","value":"Babs"}`, `invalidValue: Operations[0]: name must be an object`},
		{"name two objects", `{"op":"replace","path":"name","value":[{"givenName":"a"},{"givenName":"b"}]}`, `invalidValue: Operations[0]: name takes one value, not a list`},
		{"name.nope", `{"op":"replace","path":"name.nope","value":"x"}`, `invalidPath: Operations[0]: name has no sub-attribute "nope"`},
		{"path case", `{"op":"replace","path":"NAME.FAMILYNAME","value":"New"}`, `replace name.familyName "New"`},
		{"core URN path", `{"op":"replace","path":"U:userName","value":"New"}`, `replace userName "New"`},
		{"core URN whole path", `{"op":"replace","path":"` + coreURN + `","value":{"title":"t"}}`, `replace title "t"`},
		{"core URN whole remove", `{"op":"remove","path":"` + coreURN + `"}`, `mutability: Operations[0]: the core schema cannot be removed; remove its attributes`},
		{"dotted keys", `{"op":"replace","value":{"displayName":"B","name.givenName":"K","name.familyName":"U","E:employeeNumber":"A"}}`, `
			replace displayName "B"
			replace name.givenName "K"
			replace name.familyName "U"
			replace E:employeeNumber "A"`},
		{"value path keys", `{"op":"replace","value":{"emails[type eq \"work\"].value":"a@b","title":"t"}}`, `
			replace emails[type eq "work"].value "a@b"
			replace title "t"`},
		{"URN object key", `{"op":"replace","value":{"` + enterprise + `":{"department":"X","costCenter":"9"}}}`, `
			replace E:department "X"
			replace E:costCenter "9"`},
		{"URN object key in another case", `{"op":"replace","value":{"` + strings.ToLower(enterprise) + `":{"DEPARTMENT":"X"}}}`, `replace E:department "X"`},
		{"URN object key with its schemas inside", `{"op":"replace","value":{"` + enterprise + `":{"schemas":["` + enterprise + `"],"department":"X"}}}`, `replace E:department "X"`},
		{"URN object key null", `{"op":"replace","value":{"` + enterprise + `":null}}`, `remove E`},
		{"URN object key null added", `{"op":"add","value":{"` + enterprise + `":null}}`, ``},
		{"URN object key w/ manager bare", `{"op":"replace","value":{"` + enterprise + `":{"manager":"u2"}}}`, `replace E:manager {"value":"u2"}`},
		{"URN object key unknown attribute", `{"op":"replace","value":{"` + enterprise + `":{"nope":"u2"}}}`, `invalidPath: Operations[0]: there is no attribute "nope"; the schemas are at /Schemas`},
		{"URN.manager dotted key", `{"op":"replace","value":{"E:manager.value":"u2"}}`, `replace E:manager.value "u2"`},
		{"ext path", `{"op":"Add","path":"E:department","value":"X"}`, `add E:department "X"`},
		{"ext path lower", `{"op":"Add","path":"` + strings.ToLower(enterprise) + `:department","value":"X"}`, `add E:department "X"`},
		{"ext dot path", `{"op":"replace","path":"` + enterprise + `.department","value":"X"}`, `replace E:department "X"`},
		{"ext whole path", `{"op":"replace","path":"` + enterprise + `","value":{"department":"X"}}`, `replace E:department "X"`},
		{"ext whole path, no object", `{"op":"replace","path":"` + enterprise + `","value":"X"}`, `invalidValue: Operations[0]: E must be an object with attributes`},
		{"ext whole path null", `{"op":"replace","path":"` + enterprise + `","value":null}`, `remove E`},
		{"ext whole remove", `{"op":"remove","path":"` + enterprise + `"}`, `remove E`},
		{"ext unknown attribute", `{"op":"replace","path":"E:nope","value":"X"}`, `invalidPath: Operations[0]: there is no attribute "nope"; the schemas are at /Schemas`},
		{"ext attr w/o URN", `{"op":"replace","path":"department","value":"X"}`, `replace E:department "X"`},
		{"ext attr w/o URN, no path", `{"op":"replace","value":{"Department":"X","manager":"u2"}}`, `
			replace E:department "X"
			replace E:manager {"value":"u2"}`},

		{"manager bare string", `{"op":"Add","path":"E:manager","value":"u2"}`, `add E:manager {"value":"u2"}`},
		{"manager array", `{"op":"Add","path":"E:manager","value":[{"$ref":"http://x/Users/u2","value":"u2"}]}`, `add E:manager {"$ref":"http://x/Users/u2","value":"u2"}`},
		{"manager w/o URN", `{"op":"Add","path":"manager","value":[{"$ref":null,"value":"u2"}]}`, `add E:manager {"value":"u2"}`},
		{"manager complex", `{"op":"Add","path":"E:manager","value":{"value":"u2","displayName":"ro"}}`, `add E:manager {"value":"u2"}`},
		{"manager.value", `{"op":"Replace","path":"E:manager.value","value":"u2"}`, `replace E:manager.value "u2"`},
		{"manager dot path (MS Inbound)", `{"op":"replace","path":"` + enterprise + `.manager","value":"u2"}`, `replace E:manager {"value":"u2"}`},
		{"manager.value dot path", `{"op":"replace","path":"` + enterprise + `.manager.value","value":"u2"}`, `replace E:manager.value "u2"`},
		{"manager empty string", `{"op":"Replace","path":"E:manager","value":""}`, `remove E:manager`},
		{"manager null", `{"op":"Replace","path":"E:manager","value":null}`, `remove E:manager`},
		{"manager empty value", `{"op":"Replace","path":"E:manager","value":{"value":"","$ref":"x"}}`, `remove E:manager`},
		{"manager null value", `{"op":"Replace","path":"E:manager","value":{"value":null}}`, `remove E:manager`},
		{"manager empty array", `{"op":"Replace","path":"E:manager","value":[]}`, `remove E:manager`},
		{"manager array of null", `{"op":"Replace","path":"E:manager","value":[null]}`, `remove E:manager`},
		{"manager.value empty", `{"op":"Replace","path":"E:manager.value","value":""}`, `remove E:manager`},
		{"manager.value removed", `{"op":"remove","path":"E:manager.value"}`, `remove E:manager`},
		{"manager empty string added", `{"op":"Add","path":"E:manager","value":""}`, ``},
		{"manager remove", `{"op":"Remove","path":"E:manager"}`, `remove E:manager`},
		{"manager remove with value", `{"op":"Remove","path":"E:manager","value":"u2"}`, `remove E:manager`},
		{"manager number", `{"op":"Add","path":"E:manager","value":7}`, `invalidValue: Operations[0]: E:manager must be an object`},

		{"replace null", `{"op":"replace","path":"title","value":null}`, `remove title`},
		{"replace empty", `{"op":"replace","path":"title","value":""}`, `remove title`},
		{"add null", `{"op":"add","path":"title","value":null}`, ``},
		{"add empty", `{"op":"add","path":"title","value":""}`, ``},
		{"add no value", `{"op":"add","path":"title"}`, `invalidValue: Operations[0]: add needs a value; to unassign an attribute, use remove`},
		{"replace no value", `{"op":"replace","path":"title"}`, `invalidValue: Operations[0]: replace needs a value; to unassign an attribute, use remove`},
		{"no path null member", `{"op":"replace","value":{"title":null,"nickName":"n"}}`, `
			remove title
			replace nickName "n"`},
		{"no path value not object", `{"op":"replace","value":"x"}`, `invalidValue: Operations[0]: value must be an object with attributes when there is no path`},
		{"no path no value", `{"op":"replace"}`, `invalidValue: Operations[0]: replace needs a value; to unassign an attribute, use remove`},

		{"emails[type].value", `{"op":"Replace","path":"emails[type eq \"work\"].value","value":"n@w"}`, `replace emails[type eq "work"].value "n@w"`},
		{"emails[type].value not existing", `{"op":"Add","path":"phoneNumbers[type eq \"mobile\"].value","value":"555"}`, `add phoneNumbers[type eq "mobile"].value "555"`},
		{"emails[type].value null", `{"op":"Replace","path":"emails[type eq \"work\"].value","value":null}`, `remove emails[type eq "work"]`},
		{"emails[type eq work and primary].value", `{"op":"Replace","path":"emails[type eq \"work\" and primary eq true].value","value":"n@w"}`, `replace emails[type eq "work" and primary eq true].value "n@w"`},
		{"emails[primary eq true].value", `{"op":"Replace","path":"emails[primary eq true].value","value":"n@w"}`, `replace emails[primary eq true].value "n@w"`},
		{`emails[primary eq "true"].value`, `{"op":"Replace","path":"emails[primary eq \"true\"].value","value":"n@w"}`, `replace emails[primary eq true].value "n@w"`},
		{"emails[Type eq WORK].Value", `{"op":"Replace","path":"EMAILS[Type EQ \"WORK\"].Value","value":"n@w"}`, `replace emails[type eq "WORK"].value "n@w"`},
		{"emails[type eq work].primary string", `{"op":"Replace","path":"emails[type eq \"work\"].primary","value":"True"}`, `replace emails[type eq "work"].primary true`},
		{"emails[type eq work] whole", `{"op":"Replace","path":"emails[type eq \"work\"]","value":{"value":"n@w","type":"work"}}`, `replace emails[type eq "work"] {"type":"work","value":"n@w"}`},
		{"emails[type eq work] array", `{"op":"Replace","path":"emails[type eq \"work\"]","value":[{"value":"n@w","type":"work"}]}`, `replace emails[type eq "work"] {"type":"work","value":"n@w"}`},
		{"emails[type eq work] string", `{"op":"Add","path":"emails[type eq \"work\"]","value":"n@w"}`, `add emails[type eq "work"].value "n@w"`},
		{"emails[type eq work] null", `{"op":"replace","path":"emails[type eq \"work\"]","value":null}`, `remove emails[type eq "work"]`},
		{"3-term filter path", `{"op":"Replace","path":"emails[type eq \"work\" and primary eq true and value pr].value","value":"n@w"}`, `replace emails[type eq "work" and primary eq true and value pr].value "n@w"`},
		{"addresses[type eq work].Formatted", `{"op":"Replace","path":"addresses[type eq \"other\"].Formatted","value":"x"}`, `replace addresses[type eq "other"].formatted "x"`},
		{"emails.value no filter", `{"op":"replace","path":"emails.value","value":"x"}`, `replace emails.value "x"`},
		{"emails[0]", `{"op":"replace","path":"emails[0].value","value":"x"}`, `invalidPath: Operations[0]: path: elements have no index; select them by a filter such as [type eq "work"] (at offset 7)`},
		{"emails[nope]", `{"op":"replace","path":"emails[nope eq \"x\"].value","value":"x"}`, `invalidPath: Operations[0]: emails has no sub-attribute "nope"`},
		{"emails[type eq 5]", `{"op":"replace","path":"emails[type eq 5].value","value":"x"}`, `invalidPath: Operations[0]: emails.type must be compared with a string`},
		{"emails[primary gt true]", `{"op":"replace","path":"emails[primary gt true].value","value":"x"}`, `invalidPath: Operations[0]: emails.primary cannot be compared by gt`},
		{"emails[type eq work].nope", `{"op":"replace","path":"emails[type eq \"work\"].nope","value":"x"}`, `invalidPath: Operations[0]: emails has no sub-attribute "nope"`},
		{"name[filter]", `{"op":"replace","path":"name[givenName eq \"x\"]","value":{}}`, `invalidPath: Operations[0]: name has one value, which takes no filter`},
		{"title[filter]", `{"op":"replace","path":"title[value eq \"x\"]","value":"y"}`, `invalidPath: Operations[0]: title has no elements to filter`},
		{"add email array primary switch", `{"op":"add","path":"emails","value":[{"value":"new@x","type":"other","primary":true}]}`, `add emails [{"primary":true,"type":"other","value":"new@x"}]`},
		{"two primaries", `{"op":"add","path":"emails","value":[{"value":"a","primary":true},{"value":"b","primary":"True"}]}`, `add emails [{"primary":false,"value":"a"},{"primary":true,"value":"b"}]`},
		{"add email object", `{"op":"add","path":"emails","value":{"value":"new@x","type":"other"}}`, `add emails [{"type":"other","value":"new@x"}]`},
		{"add email string", `{"op":"add","path":"emails","value":"new@x"}`, `add emails [{"value":"new@x"}]`},
		{"add addresses string", `{"op":"add","path":"addresses","value":"x"}`, `invalidValue: Operations[0]: addresses must be an object`},
		{"add emails no path", `{"op":"add","value":{"emails":[{"value":"new@x"}],"nickName":"n"}}`, `
			add emails [{"value":"new@x"}]
			add nickName "n"`},
		{"replace emails []", `{"op":"replace","path":"emails","value":[]}`, `remove emails`},
		{"add emails []", `{"op":"add","path":"emails","value":[]}`, ``},
		{"replace emails with nothing in it", `{"op":"replace","path":"emails","value":[{},null,{"value":null}]}`, `remove emails`},
		{"remove emails", `{"op":"remove","path":"emails"}`, `remove emails`},
		{"remove emails value null", `{"op":"remove","path":"emails","value":null}`, `remove emails`},
		{"remove emails filter", `{"op":"remove","path":"emails[type eq \"work\"]"}`, `remove emails[type eq "work"]`},
		{"remove emails filter sub", `{"op":"remove","path":"emails[type eq \"work\"].value"}`, `remove emails[type eq "work"]`},
		{"remove emails value list", `{"op":"remove","path":"emails","value":[{"value":"a","display":null}]}`, `remove emails [{"value":"a"}]`},
		{"remove emails value object", `{"op":"remove","path":"emails","value":{"type":"work"}}`, `remove emails [{"type":"work"}]`},
		{"remove emails empty value list", `{"op":"remove","path":"emails","value":[]}`, ``},
		{"remove emails empty element", `{"op":"remove","path":"emails","value":[{}]}`, `invalidValue: Operations[0]: each value to remove from emails must say which it is; to remove all, send no value`},
		{"remove no path", `{"op":"remove"}`, `noTarget: Operations[0]: remove needs a path`},
		{"remove no path with value", `{"op":"remove","value":{"title":"x"}}`, `noTarget: Operations[0]: remove needs a path`},
		{"remove userName", `{"op":"remove","path":"userName"}`, `mutability: Operations[0]: userName is required and cannot be removed`},
		{"remove unknown", `{"op":"remove","path":"nope"}`, `invalidPath: Operations[0]: there is no attribute "nope"; the schemas are at /Schemas`},
		{"replace userName null", `{"op":"replace","path":"userName","value":null}`, `mutability: Operations[0]: userName is required and cannot be removed`},
		{"replace userName empty", `{"op":"replace","path":"userName","value":""}`, `invalidValue: Operations[0]: userName is required and must not be empty`},
		{"replace userName blank", `{"op":"replace","path":"userName","value":"  "}`, `invalidValue: Operations[0]: userName is required and must not be empty`},
		{"no path userName empty", `{"op":"add","value":{"userName":""}}`, `invalidValue: Operations[0]: userName is required and must not be empty`},
		{"unknown path", `{"op":"replace","path":"nope","value":"x"}`, `invalidPath: Operations[0]: there is no attribute "nope"; the schemas are at /Schemas`},
		{"unknown key no path", `{"op":"replace","value":{"nope":"x","title":"t"}}`, `invalidPath: Operations[0]: there is no attribute "nope"; the schemas are at /Schemas`},
		{"schemas key no path", `{"op":"replace","value":{"schemas":["` + coreURN + `"],"id":"u1","meta":{"x":1},"title":"t"}}`, `replace title "t"`},
		{"meta key no path", `{"op":"replace","value":{"meta":{"resourceType":"User"},"title":"t"}}`, `replace title "t"`},
		{"groups key no path", `{"op":"replace","value":{"groups":[{"value":"g1"}],"title":"t"}}`, `replace title "t"`},
		{"id path", `{"op":"replace","path":"id","value":"x"}`, `mutability: Operations[0]: id is written by the server only`},
		{"id removed", `{"op":"remove","path":"id"}`, `mutability: Operations[0]: id is written by the server only`},
		{"schemas path", `{"op":"add","path":"schemas","value":["` + acme + `"]}`, ``},
		{"schemas removed", `{"op":"remove","path":"schemas"}`, `mutability: Operations[0]: schemas follow from the attributes; remove those of the extension`},
		{"externalId path", `{"op":"replace","path":"externalId","value":"x"}`, `replace externalId "x"`},
		{"externalId no path", `{"op":"replace","value":{"externalId":"x"}}`, `replace externalId "x"`},
		{"readOnly groups", `{"op":"replace","path":"groups","value":[{"value":"g1"}]}`, `mutability: Operations[0]: groups is written by the server only`},
		{"readOnly meta", `{"op":"replace","path":"meta.created","value":"2020-01-01T00:00:00Z"}`, `mutability: Operations[0]: meta.created is written by the server only`},
		{"readOnly manager.displayName", `{"op":"replace","path":"E:manager.displayName","value":"x"}`, `mutability: Operations[0]: E:manager.displayName is written by the server only`},
		{"immutable frozen", `{"op":"replace","path":"A:frozen","value":"x"}`, `replace A:frozen "x"`},
		{"password", `{"op":"replace","path":"password","value":"newpw"}`, ``},
		{"password no path", `{"op":"replace","value":{"password":"newpw","title":"t"}}`, `replace title "t"`},
		{"extension's secret", `{"op":"replace","path":"A:pin","value":"1234"}`, ``},
		{"roles (Entra AssertiveAppRoles)", `{"op":"Add","path":"roles","value":[{"value":"{\"id\":\"06b0\",\"value\":\"Admin\"}"}]}`, `add roles [{"value":"{\"id\":\"06b0\",\"value\":\"Admin\"}"}]`},
		{`roles[primary eq "True"].value`, `{"op":"Add","path":"roles[primary eq \"True\"].value","value":"Admin"}`, `add roles[primary eq true].value "Admin"`},
		{"roles[primary eq true].display", `{"op":"Add","path":"roles[primary eq true].display","value":"Admin"}`, `add roles[primary eq true].display "Admin"`},
		{"entitlements", `{"op":"add","path":"entitlements","value":[{"value":"e"}]}`, `add entitlements [{"value":"e"}]`},
		{"integer as string", `{"op":"replace","path":"A:level","value":"7"}`, `replace A:level 7`},
		{"integer with a fraction", `{"op":"replace","path":"A:level","value":7.5}`, `invalidValue: Operations[0]: A:level must be a whole number`},
		{"integer beyond 2^53", `{"op":"replace","path":"A:level","value":9007199254740993}`, `replace A:level 9007199254740993`},
		{"decimal as string", `{"op":"replace","path":"A:score","value":"1.50"}`, `replace A:score 1.50`},
		{"decimal a word", `{"op":"replace","path":"A:score","value":"much"}`, `invalidValue: Operations[0]: A:score must be a number`},
		{"number out of range", `{"op":"replace","path":"A:score","value":1e999}`, `invalidValue: "value" is a number out of range`},
		{"number too small", `{"op":"replace","path":"A:score","value":1e-400000}`, `invalidValue: "value" is a number out of range`},
		{"nothing with too many digits", `{"op":"replace","path":"X:n","value":0e-99999999999999999999}`, `invalidValue: "value" is a number out of range`},
		{"number too small in a string", `{"op":"replace","path":"A:score","value":"1E-400000"}`, `invalidValue: Operations[0]: A:score must be a number`},
		{"number too long in a string", `{"op":"replace","path":"A:score","value":"0.` + strings.Repeat("1", 50) + `"}`, `invalidValue: Operations[0]: A:score must be a number`},
		{"small number", `{"op":"replace","path":"A:score","value":1e-300}`, `replace A:score 1e-300`},
		{"number too long", `{"op":"replace","path":"A:score","value":0.` + strings.Repeat("1", 50) + `}`, `invalidValue: "value" is a number out of range`},
		{"date", `{"op":"replace","path":"A:hired","value":"2020-01-01T00:00:00.1234567+01:00"}`, `replace A:hired "2020-01-01T00:00:00.1234567+01:00"`},
		{"date without a zone", `{"op":"replace","path":"A:hired","value":"2020-01-01T00:00:00"}`, `replace A:hired "2020-01-01T00:00:00"`},
		{"date wrong", `{"op":"replace","path":"A:hired","value":"yesterday"}`, `invalidValue: Operations[0]: A:hired must be a date and time such as 2026-01-02T03:04:05Z`},
		{"x509 base64", `{"op":"add","path":"x509Certificates","value":[{"value":"MIIDQzCCAqygAwIBAgICEAAwDQYJ"}]}`, `add x509Certificates [{"value":"MIIDQzCCAqygAwIBAgICEAAwDQYJ"}]`},
		{"base64 for URLs", `{"op":"add","path":"A:photo","value":"_-8="}`, `add A:photo "_-8="`},
		{"x509 bad base64", `{"op":"add","path":"x509Certificates","value":[{"value":"!!"}]}`, `invalidValue: Operations[0]: x509Certificates.value must be base64`},
		{"bad path syntax", `{"op":"replace","path":"emails[type eq","value":"x"}`, `invalidPath: Operations[0]: path: expected a value: a "quoted" string, a number, true, false or null, found the end (at offset 14)`},
		{"badges simple multi add", `{"op":"add","path":"A:badges","value":["c"]}`, `add A:badges ["c"]`},
		{"badges simple multi filter remove", `{"op":"remove","path":"A:badges[value eq \"a\"]"}`, `remove A:badges[value eq "a"]`},
		{"badges simple multi filter replace", `{"op":"replace","path":"A:badges[value eq \"a\"]","value":"z"}`, `replace A:badges[value eq "a"] "z"`},
		{"badges simple multi filter sub", `{"op":"replace","path":"A:badges[value eq \"a\"].value","value":"z"}`, `invalidPath: Operations[0]: A:badges has no sub-attributes`},
		{"badges string", `{"op":"add","path":"A:badges","value":"c"}`, `add A:badges ["c"]`},
		{"badges wrong", `{"op":"add","path":"A:badges","value":[1]}`, `invalidValue: Operations[0]: A:badges must be a string`},
		{"required list removed", `{"op":"replace","path":"A:codes","value":[]}`, `mutability: Operations[0]: A:codes is required and cannot be removed`},
		{"required sub-attribute missing", `{"op":"add","path":"A:keys","value":[{"count":1}]}`, `invalidValue: Operations[0]: A:keys.value is required`},
		{"required sub-attribute removed", `{"op":"remove","path":"A:keys[count eq 1].value"}`, `mutability: Operations[0]: A:keys.value is required and cannot be removed`},
		{"multi-valued sub-attribute", `{"op":"add","path":"A:keys[count eq \"1\"].doors","value":"front"}`, `add A:keys[count eq 1].doors ["front"]`},
		{"date in a filter", `{"op":"remove","path":"A:keys[until lt \"2026-01-01T00:00:00Z\"]"}`, `remove A:keys[until lt "2026-01-01T00:00:00Z"]`},
		{"date wrong in a filter", `{"op":"remove","path":"A:keys[until lt \"then\"]"}`, `invalidPath: Operations[0]: A:keys.until must be compared with a date and time such as 2026-01-02T03:04:05Z`},
		{`boolean sub emails primary "True" in list`, `{"op":"replace","path":"emails","value":[{"value":"a","primary":"True"}]}`, `replace emails [{"primary":true,"value":"a"}]`},
		{"empty path string", `{"op":"replace","path":"","value":{"title":"t"}}`, `replace title "t"`},

		{"unknown URN", `{"op":"replace","path":"X:size","value":{"w":1,"h":null}}`, `replace X:size {"w":1}`},
		{"unknown URN sub-attribute", `{"op":"replace","path":"X:size.w","value":2}`, `replace X:size.w 2`},
		{"unknown URN null", `{"op":"replace","path":"X:size","value":null}`, `remove X:size`},
		{"unknown URN empty", `{"op":"replace","path":"X:size","value":""}`, `remove X:size`},
		{"unknown URN list", `{"op":"add","path":"X:tags","value":["a","b"]}`, `add X:tags ["a","b"]`},
		{"unknown URN long list", `{"op":"add","path":"X:tags","value":[` + strings.Repeat("1,", 1000) + `1]}`, `invalidValue: Operations[0]: X:tags has more than 1000 values`},
		{"unknown URN filter", `{"op":"remove","path":"X:tags[value eq \"a\"]"}`, `remove X:tags[value eq "a"]`},
		{"unknown URN remove listed", `{"op":"remove","path":"X:tags","value":["a"]}`, `remove X:tags ["a"]`},
		{"unknown URN remove with an empty list", `{"op":"remove","path":"X:tags","value":[]}`, ``},
		{"unknown URN object key", `{"op":"replace","value":{"` + unknownURN + `":{"size":1,"tags":["a"]}}}`, `
			replace X:size 1
			replace X:tags ["a"]`},
		{"unknown URN complex key", `{"op":"replace","value":{"X:size":{"w":1}}}`, `replace X:size {"w":1}`},
		{"unknown URN dotted key", `{"op":"replace","value":{"` + unknownURN + `.size":{"w":1}}}`, `replace X:size {"w":1}`},
		{"unknown URN whole path", `{"op":"add","path":"` + unknownURN + `","value":{"size":1}}`, `add X:size 1`},
		{"unknown URN whole remove", `{"op":"remove","path":"` + unknownURN + `"}`, `remove X`},
		{"unknown URN without a version", `{"op":"add","path":"urn:a:b:c","value":1}`, `add urn:a:b:c 1`},
		{"unknown URN key without a version", `{"op":"add","value":{"urn:a:b:c":{"d":1}}}`, `add urn:a:b:c:d 1`},
		{"unknown URN bad attribute name", `{"op":"add","value":{"` + unknownURN + `":{"two words":1}}}`, `invalidPath: Operations[0]: X: expected the end of the path, found "words" (at offset 4)`},
		{"unknown URN attribute with a URN", `{"op":"add","value":{"` + unknownURN + `":{"urn:x:y":1}}}`, `invalidPath: Operations[0]: X has no attribute "urn:x:y"`},
		{"colon in a filter in a key", `{"op":"add","value":{"emails[value eq \"a:b\"]":{"type":"work"}}}`, `add emails[value eq "a:b"] {"type":"work"}`},

		{"Entra with the flag", `
			{"op":"replace","path":"emails[type eq \"work\"].value","value":"a@b"},
			{"op":"replace","value":{"displayName":"D","name.givenName":"G","active":false,"E:department":"X"}}`, `
			replace emails[type eq "work"].value "a@b"
			replace displayName "D"
			replace name.givenName "G"
			replace active false
			replace E:department "X"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			ops, err := Normalize(body(long.Replace(c.ops)), users)
			got := show(ops)
			if err != nil {
				got = refused(t, err) + "\n"
			}
			diff(t, "wrong operations", lines(c.want), got)
		})
	}
}

func TestNormalizeGroups(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, ops, want string }{
		{"add members $ref null", `{"op":"Add","path":"members","value":[{"$ref":null,"value":"u1"}]}`, `add members [{"value":"u1"}]`},
		{"remove members array (Entra)", `{"op":"Remove","path":"members","value":[{"$ref":null,"value":"u1"}]}`, `remove members [{"value":"u1"}]`},
		{"remove members empty array (Entra)", `{"op":"Remove","path":"members","value":[]}`, ``},
		{"remove members array without value", `{"op":"Remove","path":"members","value":[{"display":"x"}]}`, `invalidValue: Operations[0]: each value to remove from members must say which it is; to remove all, send no value`},
		{"remove members array with empty object", `{"op":"Remove","path":"members","value":[{}]}`, `invalidValue: Operations[0]: each value to remove from members must say which it is; to remove all, send no value`},
		{"remove members array with null", `{"op":"Remove","path":"members","value":[null]}`, `invalidValue: Operations[0]: each value to remove from members must say which it is; to remove all, send no value`},
		{"remove members array with null value", `{"op":"Remove","path":"members","value":[{"value":null}]}`, `invalidValue: Operations[0]: each value to remove from members must say which it is; to remove all, send no value`},
		{"remove members empty string", `{"op":"Remove","path":"members","value":""}`, `invalidValue: Operations[0]: each value to remove from members must say which it is; to remove all, send no value`},
		{"remove members empty object", `{"op":"Remove","path":"members","value":{}}`, `invalidValue: Operations[0]: each value to remove from members must say which it is; to remove all, send no value`},
		{"remove members number", `{"op":"Remove","path":"members","value":5}`, `invalidValue: Operations[0]: members must be an object`},
		{"remove members string", `{"op":"Remove","path":"members","value":"u1"}`, `remove members [{"value":"u1"}]`},
		{"remove members strings", `{"op":"Remove","path":"members","value":["u1","u2"]}`, `remove members [{"value":"u1"},{"value":"u2"}]`},
		{"remove members object", `{"op":"Remove","path":"members","value":{"value":"u1"}}`, `remove members [{"value":"u1"}]`},
		{"remove members filter", `{"op":"remove","path":"members[value eq \"u1\"]"}`, `remove members [{"value":"u1"}]`},
		{"remove members filter with value", `{"op":"remove","path":"members[value eq \"u1\"]","value":[]}`, `remove members [{"value":"u1"}]`},
		{"remove members filter or", `{"op":"remove","path":"members[value eq \"u1\" or value eq \"u2\" or value eq \"u3\"]"}`, `remove members [{"value":"u1"},{"value":"u2"},{"value":"u3"}]`},
		{"remove members filter and", `{"op":"remove","path":"members[value eq \"u1\" and type eq \"User\"]"}`, `invalidPath: Operations[0]: members can be selected by value only: members[value eq "id"]`},
		{"remove members filter empty", `{"op":"remove","path":"members[value eq \"\"]"}`, `invalidPath: Operations[0]: members can be selected by value only: members[value eq "id"]`},
		{"remove members filter not", `{"op":"remove","path":"members[not (value eq \"u1\")]"}`, `invalidPath: Operations[0]: members can be selected by value only: members[value eq "id"]`},
		{"remove members filter pr", `{"op":"remove","path":"members[value pr]"}`, `invalidPath: Operations[0]: members can be selected by value only: members[value eq "id"]`},
		{"remove members filter display", `{"op":"remove","path":"members[display eq \"x\"]"}`, `invalidPath: Operations[0]: members can be selected by value only: members[value eq "id"]`},
		{"remove members.value", `{"op":"remove","path":"members.value"}`, `mutability: Operations[0]: members.value cannot be changed; remove the member and add it again`},
		{"remove all members", `{"op":"remove","path":"members"}`, `remove members`},
		{"remove all members value null", `{"op":"remove","path":"members","value":null}`, `remove members`},
		{"replace members", `{"op":"replace","path":"members","value":[{"value":"u1","display":"a"}]}`, `replace members [{"display":"a","value":"u1"}]`},
		{"replace members null", `{"op":"replace","path":"members","value":null}`, `remove members`},
		{"replace members []", `{"op":"replace","path":"members","value":[]}`, `remove members`},
		{"replace members empty string", `{"op":"replace","path":"members","value":""}`, `invalidValue: Operations[0]: members must be a list of objects with a value`},
		{"replace members without value", `{"op":"replace","path":"members","value":[{"display":"x"}]}`, `invalidValue: Operations[0]: each of members needs the id of the member as its value`},
		{"replace members with null", `{"op":"replace","path":"members","value":[null]}`, `invalidValue: Operations[0]: each of members needs the id of the member as its value`},
		{"add member string", `{"op":"add","path":"members","value":"u1"}`, `add members [{"value":"u1"}]`},
		{"add member strings", `{"op":"add","path":"members","value":["u1"]}`, `add members [{"value":"u1"}]`},
		{"add member extra keys", `{"op":"add","path":"members","value":[{"displayName":"new User","value":"u1"}]}`, `add members [{"value":"u1"}]`},
		{"add member without value", `{"op":"add","path":"members","value":[{"display":"x"}]}`, `invalidValue: Operations[0]: each of members needs the id of the member as its value`},
		{"add no member", `{"op":"add","path":"members","value":[]}`, ``},
		{"okta rename with id", `{"op":"replace","value":{"id":"g1","displayName":"N"}}`, `replace displayName "N"`},
		{"okta rename with schemas", `{"op":"replace","value":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"id":"g1","displayName":"N"}}`, `replace displayName "N"`},
		{"no path members", `{"op":"add","value":{"members":[{"value":"u1"}]}}`, `add members [{"value":"u1"}]`},
		{"no path members string list", `{"op":"add","value":{"members":["u1"]}}`, `add members [{"value":"u1"}]`},
		{"members[value eq x].display", `{"op":"replace","path":"members[value eq \"u1\"].display","value":"D"}`, `mutability: Operations[0]: members.display cannot be changed; remove the member and add it again`},
		{"members[value eq x] replaced", `{"op":"replace","path":"members[value eq \"u1\"]","value":{"value":"u2"}}`, `invalidPath: Operations[0]: members are added by the path members, with a list of values`},
		{"remove with value in no-path", `{"op":"remove","value":{"members":[{"value":"u1"}]}}`, `noTarget: Operations[0]: remove needs a path`},
		{"removals in a row are folded", `
			{"op":"remove","path":"members[value eq \"u1\"]"},
			{"op":"remove","path":"members","value":[{"value":"u2"},{"value":"u3"}]},
			{"op":"remove","path":"members[value eq \"u4\"]"}`, `remove members [{"value":"u1"},{"value":"u2"},{"value":"u3"},{"value":"u4"}]`},
		{"additions in a row are folded", `
			{"op":"add","path":"members","value":[{"value":"u1"}]},
			{"op":"add","path":"members","value":[{"value":"u2"}]}`, `add members [{"value":"u1"},{"value":"u2"}]`},
		{"a removal of all is not folded", `
			{"op":"remove","path":"members"},
			{"op":"remove","path":"members[value eq \"u1\"]"},
			{"op":"remove","path":"members"}`, `
			remove members
			remove members [{"value":"u1"}]
			remove members`},
		{"order is kept", `
			{"op":"remove","path":"members[value eq \"u1\"]"},
			{"op":"add","path":"members","value":[{"value":"u1"}]},
			{"op":"replace","path":"displayName","value":"N"},
			{"op":"remove","path":"members[value eq \"u2\"]"}`, `
			remove members [{"value":"u1"}]
			add members [{"value":"u1"}]
			replace displayName "N"
			remove members [{"value":"u2"}]`},
		{"remove displayName", `{"op":"remove","path":"displayName"}`, `mutability: Operations[0]: displayName is required and cannot be removed`},
		{"a user's attribute", `{"op":"replace","path":"userName","value":"x"}`, `invalidPath: Operations[0]: there is no attribute "userName"; the schemas are at /Schemas`},
	} {
		t.Run(c.name, func(t *testing.T) {
			ops, err := Normalize(body(c.ops), groups)
			got := show(ops)
			if err != nil {
				got = refused(t, err) + "\n"
			}
			diff(t, "wrong operations", lines(c.want), got)
		})
	}
}
