// Enqueue a job from Go, without a package: five commands over a socket.
//
//	go run enqueue.go REDIS JOB_ID ENVELOPE_FILE
//
// REDIS is host:port or the path of a unix socket. The envelope's kind chooses the queue. Prints the
// job id; ends with 1 where Redis refuses, with 2 on bad arguments, with 4 where Redis cannot be
// reached. (`go run` itself turns any of them into 1; a built program keeps them.)
package main

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"regexp"
	"strings"
	"time"
)

const answerTime = 10 * time.Second

func fail(status int, text string) {
	fmt.Fprintln(os.Stderr, "enqueue.go: "+text)
	os.Exit(status)
}

func command(words ...string) string {
	var out strings.Builder
	fmt.Fprintf(&out, "*%d\r\n", len(words))
	for _, word := range words {
		fmt.Fprintf(&out, "$%d\r\n%s\r\n", len(word), word)
	}
	return out.String()
}

func main() {
	if len(os.Args) != 4 {
		fail(2, "usage: enqueue REDIS JOB_ID ENVELOPE_FILE")
	}
	address, job, file := os.Args[1], os.Args[2], os.Args[3]
	if strings.Contains(address, "://") {
		fail(2, "REDIS is host:port or the path of a unix socket, not a URL")
	}
	if !regexp.MustCompile(`^[A-Za-z0-9._:-]{1,128}$`).MatchString(job) {
		fail(2, "a job id is 1 to 128 of A-Z a-z 0-9 . _ : -")
	}
	request, err := os.ReadFile(file)
	if err != nil {
		fail(2, err.Error())
	}
	var envelope struct{ Kind string }
	if json.Unmarshal(request, &envelope) != nil {
		fail(2, file+" is no JSON object")
	}

	queue, actor := "credential-tests", "test_credentials"
	if strings.HasPrefix(envelope.Kind, "integration-") {
		queue, actor = "integration-updates", "update_integration"
	}
	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		fail(1, err.Error())
	}
	rid := hex.EncodeToString(random)
	message, _ := json.Marshal(map[string]any{
		"queue_name": queue, "actor_name": actor, "args": []string{job}, "kwargs": map[string]any{},
		"options":    map[string]string{"redis_message_id": rid},
		"message_id": job, "message_timestamp": time.Now().UnixMilli(),
	})

	network := "unix"
	if !strings.HasPrefix(address, "/") {
		network = "tcp"
	}
	connection, err := net.DialTimeout(network, address, answerTime)
	if err != nil {
		fail(4, "Redis cannot be reached: "+err.Error())
	}
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(answerTime))
	fmt.Fprint(connection,
		command("MULTI"),
		command("SET", "mailvouch:request:"+job, string(request), "NX", "EX", "86400"),
		command("HSET", "mailvouch:"+queue+".msgs", rid, string(message)),
		command("RPUSH", "mailvouch:"+queue, rid),
		command("EXEC"))

	// One line for MULTI, one for each queued command, then EXEC's array with one line for each.
	replies := bufio.NewReader(connection)
	for range [8]int{} {
		line, err := replies.ReadString('\n')
		if err != nil {
			fail(4, "Redis does not answer: "+err.Error())
		}
		if strings.HasPrefix(line, "-") {
			fail(1, "Redis refuses: "+strings.TrimSpace(line[1:]))
		}
	}
	fmt.Println(job)
}
