package records

import (
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"slices"
)

// Each file takes the schema one version on; the number it begins with is for the reader's order. A file that was released is
// never changed.
//
//go:embed migrations/*.sql
var migrations embed.FS

// migrate runs the files that this database has not seen, each in a transaction with its new version.
func migrate(db *sql.DB) error {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	slices.Sort(files)
	for {
		done, err := migrateOne(db, files)
		if done || err != nil {
			return err
		}
	}
}

// migrateOne looks and acts in one transaction: another process may be doing the same.
func migrateOne(db *sql.DB, files []string) (done bool, err error) {
	tx, err := db.Begin()
	if err != nil {
		return false, err
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	var version int
	if err := tx.QueryRow("PRAGMA user_version").Scan(&version); err != nil {
		return false, err
	}
	switch {
	case version == len(files):
		return true, nil
	case version > len(files):
		return false, fmt.Errorf("was written by a newer ivr (schema %d, this one knows %d)", version, len(files))
	}
	script, err := migrations.ReadFile(files[version])
	if err != nil {
		return false, err
	}
	if _, err := tx.Exec(string(script)); err != nil {
		return false, fmt.Errorf("%s: %w", files[version], err)
	}
	if _, err := tx.Exec(fmt.Sprintf("PRAGMA user_version = %d", version+1)); err != nil {
		return false, err
	}
	return false, tx.Commit()
}
