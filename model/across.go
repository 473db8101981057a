package model

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"gorm.io/gorm"
)

// The questions that are asked before the organization is known, or for an
// operator who reaches them all. Nothing outside this file and migrate.go may
// look across organizations; each statement here names what bounds it.

// across returns the database without an organization.
func (s *Store) across(ctx context.Context) *gorm.DB {
	return forEveryone(s.db.WithContext(ctx))
}

func (s *Store) readAcross(ctx context.Context) *gorm.DB {
	return forEveryone(s.read.WithContext(ctx))
}

// unbounded is the organization's database without its predicate, for statements that name the
// organization themselves. In a transaction it is the transaction's.
func (o *Org) unbounded(ctx context.Context) *gorm.DB {
	return forEveryone(o.db.WithContext(ctx))
}

// readUnbounded is unbounded for reads.
func (o *Org) readUnbounded(ctx context.Context) *gorm.DB {
	return forEveryone(o.read.WithContext(ctx))
}

// APIKey returns the key that a bearer token is, with the organizations it
// reaches. It answers Denied for an unknown one.
func (s *Store) APIKey(ctx context.Context, token string) (*APIKey, Scope, error) {
	var k APIKey
	r := s.readAcross(ctx).Where("hash = ?", hashToken(token)).Limit(1).Find(&k)
	if r.Error != nil {
		return nil, Scope{}, s.translate(fmt.Errorf("read API key: %w", r.Error))
	}
	if r.RowsAffected == 0 {
		return nil, Scope{}, errAPIKey()
	}
	a, err := s.application(s.readAcross(ctx), k.ApplicationID)
	if KindOf(err) == NotFound { // deleted since the key was read
		return nil, Scope{}, errAPIKey()
	}
	if err != nil {
		return nil, Scope{}, err
	}
	return &k, a.Scope(), nil
}

func errAPIKey() error { return Deniedf("the API key is missing or unknown") }

// within limits a query to the organizations of a scope; column holds their ids.
func (s *Store) within(db *gorm.DB, scope Scope, column string) *gorm.DB {
	if scope.All() {
		return db
	}
	return db.Where(column+" IN (SELECT organization_id FROM application_organizations WHERE application_id = ?)", scope.Application())
}

// Reaches tells whether a scope contains an organization that exists.
func (s *Store) Reaches(ctx context.Context, scope Scope, id OrganizationID) (bool, error) {
	return s.reaches(s.readAcross(ctx), scope, id)
}

func (s *Store) reaches(db *gorm.DB, scope Scope, id OrganizationID) (bool, error) {
	var n int64
	err := s.within(db.Model(&Organization{}).Where("id = ?", id), scope, "id").Count(&n).Error
	if err != nil {
		return false, s.translate(fmt.Errorf("read scope: %w", err))
	}
	return n == 1, nil
}

// ownedBy holds the tables whose rows an API id can name without its organization.
var ownedBy = map[Prefix]any{
	OrganizationDomainPrefix: &Domain{},
	DirectoryPrefix:          &Directory{},
	DirectoryUserPrefix:      &User{},
	UserPrefix:               &User{},
	DirectoryGroupPrefix:     &DirectoryGroup{},
	ConnectionPrefix:         &Connection{},
	AccountPrefix:            &Account{},
	LicensePrefix:            &License{},
	SessionPrefix:            &Session{},
	ProfilePrefix:            &Identity{},
	LoginAttemptPrefix:       &LoginAttempt{},
}

// OrganizationOf returns the organization of a thing that an API call names
// only by its id. It answers NotFound where there is none in the scope.
func (s *Store) OrganizationOf(ctx context.Context, scope Scope, kind Prefix, id string) (OrganizationID, error) {
	var ids []OrganizationID
	rows, ok := ownedBy[kind]
	if !ok || !isID(id) {
		return "", NotFoundf("there is no %.100s", kind.ID(id))
	}
	db := s.readAcross(ctx).Model(rows).Where("id = ?", id)
	if err := s.within(db, scope, "organization_id").Pluck("organization_id", &ids).Error; err != nil {
		return "", s.translate(fmt.Errorf("find organization: %w", err))
	}
	if len(ids) == 0 && kind == ProfilePrefix { // of somebody who signs in by a password only: see SignedIn
		return s.OrganizationOf(ctx, scope, UserPrefix, id)
	}
	if len(ids) == 0 {
		return "", NotFoundf("there is no %s", kind.ID(id))
	}
	return ids[0], nil
}

// OrganizationQuery asks for organizations.
type OrganizationQuery struct {
	Page
	Domains []string // only those that have one of these domains, in any state
	Search  string   // only those whose name contains this, in any case
}

// Organizations lists the organizations of a scope with their domains.
func (s *Store) Organizations(ctx context.Context, scope Scope, q OrganizationQuery) ([]Organization, PageInfo, error) {
	db := s.within(s.readAcross(ctx).Model(&Organization{}), scope, "id")
	if len(q.Domains) > 0 {
		var folded []string
		for _, d := range q.Domains {
			if ascii, err := foldDomain(d); err == nil {
				folded = append(folded, ascii)
			}
		}
		db = db.Where("id IN (?)", s.readAcross(ctx).Model(&Domain{}).Select("organization_id").Where("domain IN ?", folded))
	}
	if q.Search != "" {
		db = s.dialect.containing(db, "name", q.Search)
	}
	gs, info, err := readPage(db, q.Page, func(g Organization) string { return string(g.ID) })
	if err != nil {
		return nil, info, s.translate(err)
	}
	ids := make([]OrganizationID, len(gs))
	for i := range gs {
		ids[i] = gs[i].ID
	}
	domains, err := s.domainsOf(ctx, ids)
	if err != nil {
		return nil, info, err
	}
	for i := range gs {
		gs[i].Domains = domains[gs[i].ID]
	}
	return gs, info, nil
}

// OrganizationByExternalID returns the id of the organization that the
// application calls so. It answers NotFound where there is none in the scope.
func (s *Store) OrganizationByExternalID(ctx context.Context, scope Scope, externalID string) (OrganizationID, error) {
	var ids []OrganizationID
	db := s.readAcross(ctx).Model(&Organization{}).Where("external_id = ?", externalID)
	if err := s.within(db, scope, "id").Pluck("id", &ids).Error; err != nil {
		return "", s.translate(fmt.Errorf("find organization: %w", err))
	}
	if len(ids) == 0 {
		return "", NotFoundf("there is no organization with this external_id")
	}
	return ids[0], nil
}

// slugTries are how many numbered slugs are tried before a name must bring its own.
const slugTries = 50

// slugRaces are how often a free slug may be lost to someone who creates an organization meanwhile.
const slugRaces = 5

// CreateOrganization makes an organization, with a slug made from its name when
// it has none, and with the given domains. With an application's scope it joins
// that application's list. It answers Conflict for a slug, external id or
// verified domain that another organization has.
func (s *Store) CreateOrganization(ctx context.Context, by Actor, scope Scope, g *Organization, domains map[string]DomainState) error {
	if g.Metadata == nil {
		g.Metadata = map[string]string{}
	}
	if g.Slug != "" {
		return s.createOrganization(ctx, by, scope, g, domains)
	}
	for try := 1; ; try++ {
		slug, err := s.freeSlug(ctx, slugOf(g.Name))
		if err != nil {
			return err
		}
		g.Slug = slug
		err = s.createOrganization(ctx, by, scope, g, domains)
		// Someone else may have taken the slug meanwhile: nobody asked for just this one.
		if try == slugRaces || !errors.Is(err, gorm.ErrDuplicatedKey) {
			return err
		}
	}
}

func (s *Store) createOrganization(ctx context.Context, by Actor, scope Scope, g *Organization, domains map[string]DomainState) error {
	if err := g.validate(); err != nil {
		return err
	}
	if g.Settings.SSORequired {
		return errUntestedSSO()
	}
	g.ID = OrganizationID(newID())
	return s.Org(g.ID, by).Tx(ctx, func(org *Org) error {
		g.CreatedAt, g.UpdatedAt, g.Domains = org.now(), org.now(), nil
		if err := org.db.WithContext(ctx).Create(g).Error; err != nil {
			return organizationTaken(fmt.Errorf("create organization: %w", err))
		}
		if scope.Application() != "" {
			row := applicationOrganization{scope.Application(), g.ID}
			if err := org.db.WithContext(ctx).Create(&row).Error; err != nil {
				return fmt.Errorf("join application: %w", err)
			}
		}
		for _, name := range sortedKeys(domains) {
			d, err := org.insertDomain(ctx, name, domains[name])
			if err != nil {
				return err
			}
			g.Domains = append(g.Domains, *d)
		}
		if err := org.checkDefaultConnection(ctx, g.Settings.DefaultConnection); err != nil {
			return err
		}
		if err := org.record(OrganizationCreated, OrganizationPrefix.ID(string(g.ID)), g.PublicForm()); err != nil {
			return err
		}
		for i := range g.Domains {
			if err := org.recordDomain(&g.Domains[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// freeSlug numbers a slug that is taken.
func (s *Store) freeSlug(ctx context.Context, slug string) (string, error) {
	var taken []string
	tries := []string{slug}
	for i := 2; i <= slugTries; i++ {
		tries = append(tries, fmt.Sprintf("%s-%d", slug, i))
	}
	if err := s.readAcross(ctx).Model(&Organization{}).Where("slug IN ?", tries).Pluck("slug", &taken).Error; err != nil {
		return "", s.translate(fmt.Errorf("read slugs: %w", err))
	}
	for _, t := range tries {
		if !slices.Contains(taken, t) {
			return t, nil
		}
	}
	return slug, nil // the unique index will say so
}

// DirectoryQuery asks for directories.
type DirectoryQuery struct {
	Page
	OrganizationID OrganizationID
	Domain         string // only those of organizations with this domain
	Search         string // only those whose name contains this, in any case
}

// Directories lists the directories of a scope.
func (s *Store) Directories(ctx context.Context, scope Scope, q DirectoryQuery) ([]Directory, PageInfo, error) {
	db := s.narrowed(ctx, s.readAcross(ctx).Model(&Directory{}), scope, q.OrganizationID, q.Domain, q.Search)
	ds, info, err := readPage(db, q.Page, func(d Directory) string { return d.ID })
	return ds, info, s.translate(err)
}

// narrowed limits a query for what organizations own to a scope, and to what is
// asked for: each limit that is not empty counts.
func (s *Store) narrowed(ctx context.Context, db *gorm.DB, scope Scope, organization OrganizationID, domain, search string) *gorm.DB {
	db = s.within(db, scope, "organization_id")
	if organization != "" {
		db = db.Where("organization_id = ?", organization)
	}
	if domain != "" {
		ascii, _ := foldDomain(domain)
		db = db.Where("organization_id IN (?)", s.readAcross(ctx).Model(&Domain{}).Select("organization_id").Where("domain = ?", ascii))
	}
	if search != "" {
		db = s.dialect.containing(db, "name", search)
	}
	return db
}

// recognized is whom a directory's new user may already be.
type recognized struct{ users, tombstones []string }

// recognize finds, in one statement, the unowned users with the userName or
// e-mail of u, and the tombstones that its traces match.
func (o *Org) recognize(ctx context.Context, u *User) (recognized, error) {
	traces, err := u.traces(nil)
	if err != nil {
		return recognized{}, err
	}
	var rows []struct {
		Kind string
		ID   string
	}
	err = o.unbounded(ctx).Raw(
		`SELECT 'user' AS kind, id FROM users WHERE organization_id = ? AND directory_id IS NULL AND user_name_folded = ?
		UNION SELECT 'user', id FROM users WHERE organization_id = ? AND directory_id IS NULL AND email_folded = ? AND email_folded <> ''
		UNION SELECT 'tombstone', tombstone_id FROM tombstone_keys WHERE organization_id = ? AND hash IN ?`,
		o.ID, u.UserNameFolded, o.ID, u.EmailFolded, o.ID, o.hashes(traces)).Scan(&rows).Error
	if err != nil {
		return recognized{}, fmt.Errorf("recognize user: %w", err)
	}
	var out recognized
	for _, r := range rows {
		if r.Kind == "user" {
			out.users = append(out.users, r.ID)
		} else {
			out.tombstones = append(out.tombstones, r.ID)
		}
	}
	return out, nil
}

// planAnew has PostgreSQL plan each statement of the transaction for itself. A
// plan that was kept from when a table was all but empty reads it from end to end,
// and would, until the next ANALYZE, for each batch of a table that the batches fill.
func (o *Org) planAnew(ctx context.Context) error {
	if o.store.dialect != postgresDialect {
		return nil
	}
	err := o.unbounded(ctx).Exec("SET LOCAL plan_cache_mode = force_custom_plan").Error
	if err != nil {
		return fmt.Errorf("plan anew: %w", err)
	}
	return nil
}

// comparingTables runs fn while PostgreSQL plans for comparing whole tables. Its estimate of the rules'
// own tables is far too small, and a loop over an index for each of a hundred thousand users takes longer
// than reading both tables once. Its cost estimate is then so high that it would JIT-compile every statement.
// Afterwards the transaction, which may have begun before, has the settings that it had. Where fn fails
// they stay, as nothing can follow in the transaction.
func (o *Org) comparingTables(ctx context.Context, fn func() error) error {
	db := o.unbounded(ctx)
	var before struct{ Plans, Loops, Memory, JIT string }
	err := db.Raw("SELECT current_setting('plan_cache_mode') AS plans, current_setting('enable_nestloop') AS loops, " +
		"current_setting('work_mem') AS memory, current_setting('jit') AS jit").Scan(&before).Error
	set := func(plans, loops, memory, jit string) error {
		return db.Exec("SELECT set_config('plan_cache_mode', ?, true), set_config('enable_nestloop', ?, true), "+
			"set_config('work_mem', ?, true), set_config('jit', ?, true)", plans, loops, memory, jit).Error
	}
	if err == nil {
		err = set("force_custom_plan", "off", "32MB", "off")
	}
	if err != nil {
		return fmt.Errorf("plan comparison: %w", err)
	}
	if err := fn(); err != nil {
		return err
	}
	if err := set(before.Plans, before.Loops, before.Memory, before.JIT); err != nil {
		return fmt.Errorf("end comparison: %w", err)
	}
	return nil
}

// domainsOf reads the domains of several organizations in one statement.
func (s *Store) domainsOf(ctx context.Context, ids []OrganizationID) (map[OrganizationID][]Domain, error) {
	var domains []Domain
	if err := s.readAcross(ctx).Where("organization_id IN ?", ids).Order("id").Find(&domains).Error; err != nil {
		return nil, s.translate(fmt.Errorf("read domains: %w", err))
	}
	of := map[OrganizationID][]Domain{}
	for _, d := range domains {
		of[d.OrganizationID] = append(of[d.OrganizationID], d)
	}
	return of, nil
}
