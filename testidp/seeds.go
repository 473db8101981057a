package testidp

// seed describes a person, without the e-mail domain.
type seed struct {
	local, given, family, title, department string
	manager                                 string
	groups                                  []string
	mobile                                  string
}

// seeds are the people of Northwind Directory, all invented. They have properties that careless
// servers fail on: accents, apostrophes, hyphens, a person without a title, people in several
// groups, and managers that come later in the list than the people they manage.
var seeds = []seed{
	{"ingrid.halvorsen", "Ingrid", "Halvorsen", "Chief Executive Officer", "Executive", "", nil, "+47 555 01 001"},
	{"amara.okafor", "Amara", "Okafor", "Engineering Manager", "Engineering", "tomasz.wieczorek",
		[]string{"Engineering"}, ""},
	{"aroha.ngata", "Aroha", "Ngata", "Head of People", "People", "ingrid.halvorsen", nil, ""},
	{"claire.dubois", "Claire", "Dubois", "Chief Revenue Officer", "Sales", "ingrid.halvorsen",
		[]string{"Sales", "Finance"}, "+33 5 55 01 02"},
	{"daniel.rosenthal", "Daniel", "Rosenthal", "Financial Analyst", "Finance", "eszter.kovacs", []string{"Finance"},
		""},
	{"diego.salinas", "Diego", "Salinas", "Staff Engineer", "Engineering", "amara.okafor", []string{"Engineering"}, ""},
	{"eszter.kovacs", "Eszter", "Kovács", "Controller", "Finance", "oluwaseun.adeyemi", []string{"Finance"}, ""},
	{"fatima.alzahrani", "Fatima", "Al-Zahrani", "General Counsel", "Legal", "ingrid.halvorsen", nil, ""},
	{"grace.whitefeather", "Grace", "Whitefeather", "Payroll Specialist", "Finance", "eszter.kovacs",
		[]string{"Finance"}, ""},
	{"hannah.lindqvist", "Hannah", "Lindqvist", "Customer Success Manager", "Sales", "claire.dubois", []string{"Sales"},
		""},
	{"jun.takahashi", "Jun", "Takahashi", "", "People", "aroha.ngata", nil, ""},
	{"kwame.mensah", "Kwame", "Mensah", "Sales Engineer", "Sales", "rafael.teixeira", []string{"Sales", "Engineering"},
		""},
	{"leilani.kahale", "Leilani", "Kahale", "Software Engineer", "Engineering", "amara.okafor", []string{"Engineering"},
		""},
	{"marcus.bennett", "Marcus", "Bennett", "Account Executive", "Sales", "rafael.teixeira", []string{"Sales"},
		"+1 555 0100"},
	{"meilin.zhao", "Mei-Lin", "Zhao", "Senior Engineer", "Engineering", "amara.okafor", []string{"Engineering"}, ""},
	{"naledi.dlamini", "Naledi", "Dlamini", "Sales Development Representative", "Sales", "rafael.teixeira",
		[]string{"Sales"}, ""},
	{"noor.alfarsi", "Noor", "Al-Farsi", "Data Engineer", "Engineering", "tomasz.wieczorek",
		[]string{"Engineering", "Finance"}, ""},
	{"oluwaseun.adeyemi", "Oluwaseun", "Adeyemi", "Chief Financial Officer", "Finance", "ingrid.halvorsen",
		[]string{"Finance"}, ""},
	{"priya.raman", "Priya", "Raman", "Security Engineer", "Engineering", "tomasz.wieczorek", []string{"Engineering"},
		""},
	{"rafael.teixeira", "Rafael", "Teixeira", "Regional Sales Manager", "Sales", "claire.dubois", []string{"Sales"},
		""},
	{"sean.obrien", "Seán", "O'Brien", "Quality Engineer", "Engineering", "amara.okafor", []string{"Engineering"}, ""},
	{"sofia.marchetti", "Sofia", "Marchetti", "Account Executive", "Sales", "rafael.teixeira", []string{"Sales"}, ""},
	{"soren.aagaard", "Søren", "Aagaard", "Site Reliability Engineer", "Engineering", "tomasz.wieczorek",
		[]string{"Engineering"}, ""},
	{"tomasz.wieczorek", "Tomasz", "Wieczorek", "Chief Technology Officer", "Engineering", "ingrid.halvorsen",
		[]string{"Engineering"}, "+48 555 010 024"},
	{"yusuf.demir", "Yusuf", "Demir", "Software Engineer", "Engineering", "amara.okafor", []string{"Engineering"}, ""},
}
