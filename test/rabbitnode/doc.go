// Package rabbitnode gives tests a real RabbitMQ.
//
// URL is for most tests: it returns a new virtual host on a shared broker. Start is for tests that stop, kill or block their
// broker. A node runs from the installed rabbitmq-server, else from the Docker image rabbitmq:4-management. It ends with the
// process that started it, also after a crash.
package rabbitnode

// The environment variables of a broker that all test binaries share. test/withrabbitmq sets both.
const (
	EnvAMQP = "HOOKLINE_TEST_AMQP"         // amqp://user:password@host:port/
	EnvAPI  = "HOOKLINE_TEST_RABBITMQ_API" // the management plugin: http://user:password@host:port
)

// EnvDocker set to 1 runs every node from the Docker image, to test another version than that of the system's package.
const EnvDocker = "HOOKLINE_TEST_DOCKER"
