// What a Go client does with the embedded server. Each case has a connection pool of its own.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"reflect"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	goora "github.com/sijms/go-ora/v2"
	"github.com/sijms/go-ora/v2/network"
)

var address string

func open(password string) *sql.DB {
	db, err := sql.Open("oracle", "oracle://scott:"+password+"@"+address)
	check(err)
	return db
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func equal(expected, found any) {
	if !reflect.DeepEqual(expected, found) {
		panic(fmt.Sprintf("expected %v, found %v", expected, found))
	}
}

func code(err error) int {
	var oracle *network.OracleError
	if errors.As(err, &oracle) {
		return oracle.ErrCode
	}
	if err != nil {
		panic(err)
	}
	return 0
}

func exec(db *sql.DB, text string, binds ...any) sql.Result {
	result, err := db.Exec(text, binds...)
	check(err)
	return result
}

func one[T any](db *sql.DB, text string, binds ...any) T {
	var value T
	check(db.QueryRow(text, binds...).Scan(&value))
	return value
}

func wrongPassword(_ *sql.DB) {
	db := open("wrong")
	defer db.Close()
	equal(1017, code(db.Ping()))
}

func query(db *sql.DB) {
	equal("SCOTT", one[string](db, "select user from dual"))
	rows, err := db.Query("select level from dual connect by level <= 100")
	check(err)
	defer rows.Close()
	count := 0
	for rows.Next() {
		var level int
		check(rows.Scan(&level))
		count++
		equal(count, level)
	}
	check(rows.Err())
	equal(100, count)
	equal(0, one[int](db, "select count(*) from dual where 1 = 0"))
}

func types(db *sql.DB) {
	equal("äöü €", one[string](db, "select cast(:1 as varchar2(100)) from dual", "äöü €"))
	equal("äöü €", one[string](db, "select cast(:1 as nvarchar2(100)) from dual", goora.NVarChar("äöü €")))
	equal(int64(1234567890123), one[int64](db, "select cast(:1 as number) from dual", int64(1234567890123)))
	equal(-1.25, one[float64](db, "select cast(:1 as number) from dual", -1.25))
	equal(1.25, one[float64](db, "select cast(:1 as binary_double) from dual", 1.25))
	equal(0.5, one[float64](db, "select cast(:1 as binary_float) from dual", 0.5))
	equal([]byte{0, 1, 255}, one[[]byte](db, "select cast(:1 as raw(10)) from dual", []byte{0, 1, 255}))
	date := time.Date(2024, 2, 29, 13, 14, 15, 0, time.UTC)
	equal(date, one[time.Time](db, "select cast(:1 as date) from dual", date).UTC())
	stamp := time.Date(2024, 2, 29, 13, 14, 15, 123456000, time.UTC)
	equal(stamp, one[time.Time](db, "select cast(:1 as timestamp) from dual", goora.TimeStamp(stamp)).UTC())
	equal(stamp, one[time.Time](db, "select cast(:1 as timestamp with time zone) from dual", goora.TimeStampTZ(stamp)).UTC())
	for _, name := range []string{"varchar2(10)", "number", "raw(10)", "date", "timestamp", "binary_double"} {
		equal(sql.NullString{}, one[sql.NullString](db, "select cast(:1 as "+name+") from dual", sql.NullString{}))
	}
}

func longTexts(db *sql.DB) {
	exec(db, "create table go_long (id number, c clob, b blob)")
	text := strings.Repeat("ä", 50_000)
	bytes := make([]byte, 100_000)
	exec(db, "insert into go_long values (:1, :2, :3)", 1, goora.Clob{String: text, Valid: true}, goora.Blob{Data: bytes})
	exec(db, "insert into go_long values (:1, :2, :3)", 2, strings.Repeat("x", 4000), []byte{1, 2})
	equal(text, one[string](db, "select c from go_long where id = 1"))
	equal(100_000, len(one[[]byte](db, "select b from go_long where id = 1")))
	equal(4000, len(one[string](db, "select c from go_long where id = 2")))
}

func batches(db *sql.DB) {
	exec(db, "create table go_batch (id number primary key, name varchar2(20))")
	ids := make([]int, 250)
	names := make([]string, 250)
	for index := range ids {
		ids[index] = index
		names[index] = fmt.Sprint("row ", index)
	}
	affected, err := exec(db, "insert into go_batch values (:1, :2)", ids, names).RowsAffected()
	check(err)
	equal(int64(250), affected)
	equal(250, one[int](db, "select count(*) from go_batch"))
}

func returning(db *sql.DB) {
	exec(db, "create table go_keys (id number generated always as identity, name varchar2(20))")
	for expected := int64(1); expected <= 2; expected++ {
		var id int64
		exec(db, "insert into go_keys (name) values (:1) returning id into :2", "one", goora.Out{Dest: &id})
		equal(expected, id)
	}
}

func procedures(db *sql.DB) {
	var number int
	var text string
	for again := 0; again < 3; again++ {
		exec(db, "begin :1 := :2 * 2; :3 := :4 || '!'; end;", goora.Out{Dest: &number}, 21, goora.Out{Dest: &text, Size: 100}, "hello")
		equal(42, number)
		equal("hello!", text)
	}
	var cursor goora.RefCursor
	connection, err := db.Conn(context.Background())
	check(err)
	defer connection.Close()
	_, err = connection.ExecContext(context.Background(),
		"begin open :1 for select level n from dual connect by level < 4; end;", sql.Out{Dest: &cursor})
	check(err)
	defer cursor.Close()
	rows, err := cursor.Query()
	check(err)
	count := 0
	for rows.Next_() {
		count++
	}
	equal(3, count)
}

func failures(db *sql.DB) {
	_, err := db.Exec("insert into nothing_here values (1)")
	equal(942, code(err))
	_, err = db.Exec("begin raise_application_error(-20001, 'no'); end;")
	equal(20001, code(err))
	var value int
	equal(1476, code(db.QueryRow("select 1 / 0 from dual").Scan(&value)))
	query(db)
}

func transactions(db *sql.DB) {
	exec(db, "create table go_work (id number)")
	transaction, err := db.Begin()
	check(err)
	_, err = transaction.Exec("insert into go_work values (1)")
	check(err)
	check(transaction.Rollback())
	transaction, err = db.Begin()
	check(err)
	_, err = transaction.Exec("insert into go_work values (2)")
	check(err)
	check(transaction.Commit())
	equal(2, one[int](db, "select sum(id) from go_work"))
}

func cancel(db *sql.DB) {
	ctx, stop := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer stop()
	started := time.Now()
	_, err := db.ExecContext(ctx, "begin dbms_session.sleep(30); end;")
	if err == nil {
		panic("no error")
	}
	if time.Since(started) > 10*time.Second {
		panic("the statement was not stopped")
	}
	query(db)
}

func pools(db *sql.DB) {
	db.SetMaxOpenConns(4)
	var group sync.WaitGroup
	failed := make(chan error, 200)
	for worker := 0; worker < 8; worker++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for again := 0; again < 20; again++ {
				var user string
				if err := db.QueryRow("select user from dual").Scan(&user); err != nil {
					failed <- err
				}
			}
		}()
	}
	group.Wait()
	close(failed)
	for err := range failed {
		check(err)
	}
}

func run(name string, work func(*sql.DB)) {
	db := open("tiger")
	defer db.Close()
	defer func() {
		if problem := recover(); problem != nil {
			fmt.Println("failed", name+":", strings.ReplaceAll(fmt.Sprint(problem), "\n", " "))
			if os.Getenv("STACK") != "" {
				debug.PrintStack()
			}
		}
	}()
	work(db)
	fmt.Println("ok", name)
}

func main() {
	address = os.Args[1]
	only := ""
	if len(os.Args) > 2 {
		only = os.Args[2]
	}
	cases := []struct {
		name string
		work func(*sql.DB)
	}{
		{"log on with a wrong password", wrongPassword},
		{"query", query},
		{"bind and read every type", types},
		{"long texts and bytes", longTexts},
		{"batches", batches},
		{"returned values", returning},
		{"PL/SQL and REF CURSORs", procedures},
		{"errors", failures},
		{"transactions", transactions},
		{"cancel a call that runs", cancel},
		{"pools", pools},
	}
	for _, one := range cases {
		if strings.Contains(one.name, only) {
			run(one.name, one.work)
		}
	}
}
