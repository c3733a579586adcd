// A program that keeps a database with goleveldb, as geth, Syncthing and
// Fabric do; see test_goleveldb.py.
//
//	keeper write DIR HEAD LIFE
//	    opens DIR and writes to it at full speed until its input ends. After
//	    each acknowledged write, the file HEAD has the number of that write.
//	    The database is closed and opened again after every LIFE writes.
//	keeper try DIR
//	    exit code 0 if DIR can be opened, 3 if somebody has it locked
package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/syndtr/goleveldb/leveldb"
	"github.com/syndtr/goleveldb/leveldb/opt"
)

const (
	slots     = 20000 // keys; write n goes to slot n % slots
	largeEach = 997   // so many writes apart, a batch goes past the journal
	largeKeys = 2000
	refused   = 3
)

func fail(err error) {
	fmt.Fprintln(os.Stderr, "keeper:", err)
	os.Exit(1)
}

func open(dir string) (*leveldb.DB, error) {
	return leveldb.OpenFile(dir, &opt.Options{
		WriteBuffer:         64 << 10,
		CompactionTableSize: 256 << 10,
	})
}

// A process that looks whether LOCK is held holds LOCK itself for a moment.
func openAgain(dir string) *leveldb.DB {
	for start := time.Now(); ; time.Sleep(time.Millisecond) {
		db, err := open(dir)
		if err == nil {
			return db
		}
		if !errors.Is(err, syscall.EAGAIN) || time.Since(start) > time.Minute {
			fail(err)
		}
	}
}

func value(n uint64) []byte {
	return []byte(fmt.Sprintf("%012d %0100d", n, n*7919))
}

func batch(n uint64) *leveldb.Batch {
	b := new(leveldb.Batch)
	b.Put([]byte(fmt.Sprintf("slot:%06d", n%slots)), value(n))
	b.Put([]byte("head"), value(n))
	if n%largeEach == 0 {
		for i := 0; i < largeKeys; i++ {
			b.Put([]byte(fmt.Sprintf("large:%06d", i)), value(n))
		}
	}
	return b
}

func write(dir string, headPath string, life uint64) {
	head, err := os.OpenFile(headPath, os.O_RDWR|os.O_CREATE, 0600)
	if err != nil {
		fail(err)
	}
	var ended int32
	go func() {
		io.Copy(io.Discard, os.Stdin)
		atomic.StoreInt32(&ended, 1)
	}()
	db := openAgain(dir)
	number := make([]byte, 8)
	for n := uint64(1); atomic.LoadInt32(&ended) == 0; n++ {
		if err := db.Write(batch(n), nil); err != nil {
			fail(err)
		}
		binary.LittleEndian.PutUint64(number, n)
		if _, err := head.WriteAt(number, 0); err != nil {
			fail(err)
		}
		if n == 1 {
			fmt.Println("ready")
		}
		if n%life == 0 {
			if err := db.Close(); err != nil {
				fail(err)
			}
			db = openAgain(dir)
		}
	}
	if err := db.Close(); err != nil {
		fail(err)
	}
}

func try(dir string) {
	db, err := open(dir)
	if errors.Is(err, syscall.EAGAIN) {
		os.Exit(refused)
	}
	if err != nil {
		fail(err)
	}
	db.Close()
}

func main() {
	arguments := os.Args[1:]
	switch {
	case len(arguments) == 4 && arguments[0] == "write":
		life, err := strconv.ParseUint(arguments[3], 10, 64)
		if err != nil {
			fail(err)
		}
		write(arguments[1], arguments[2], life)
	case len(arguments) == 2 && arguments[0] == "try":
		try(arguments[1])
	default:
		fail(errors.New("unknown arguments"))
	}
}
