-- What the tests need of a MariaDB or MySQL server, as root:  mariadb < tests/support/mariadb.sql
-- Then  DOCPROC_TEST_MARIADB_URL=mysql://docproc:docproc@127.0.0.1:3306/docproc  turns them on.
-- Each process of a run makes databases of its own, `docproc_…`, and drops them.
CREATE DATABASE IF NOT EXISTS docproc CHARACTER SET utf8mb4;
CREATE USER IF NOT EXISTS 'docproc'@'localhost' IDENTIFIED BY 'docproc';
CREATE USER IF NOT EXISTS 'docproc'@'127.0.0.1' IDENTIFIED BY 'docproc';
GRANT ALL ON `docproc%`.* TO 'docproc'@'localhost';
GRANT ALL ON `docproc%`.* TO 'docproc'@'127.0.0.1';
-- To see who waits for a lock.
GRANT PROCESS ON *.* TO 'docproc'@'localhost';
GRANT PROCESS ON *.* TO 'docproc'@'127.0.0.1';
