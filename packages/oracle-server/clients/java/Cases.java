import java.math.BigDecimal;
import java.sql.BatchUpdateException;
import java.sql.CallableStatement;
import java.sql.Clob;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Timestamp;
import java.sql.Types;
import java.time.Duration;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;

/** What a JDBC Thin client does with the embedded server. Each case has its own connection. */
public class Cases {
  interface Case {
    void run(Connection connection) throws Exception;
  }

  private static String url;

  private static Connection connect(String password) throws SQLException {
    Properties properties = new Properties();
    properties.put("user", "scott");
    properties.put("password", password);
    return DriverManager.getConnection(url, properties);
  }

  private static void equal(Object expected, Object found) {
    if (!Objects.deepEquals(expected, found)) {
      throw new IllegalStateException("expected " + show(expected) + ", found " + show(found));
    }
  }

  private static String show(Object value) {
    return value instanceof byte[] bytes ? Arrays.toString(bytes) : String.valueOf(value);
  }

  private static List<List<Object>> rows(Statement statement, String sql) throws SQLException {
    try (ResultSet result = statement.executeQuery(sql)) {
      return rows(result);
    }
  }

  private static List<List<Object>> rows(ResultSet result) throws SQLException {
    List<List<Object>> rows = new ArrayList<>();
    int columns = result.getMetaData().getColumnCount();
    while (result.next()) {
      List<Object> row = new ArrayList<>();
      for (int index = 1; index <= columns; index++) row.add(result.getObject(index));
      rows.add(row);
    }
    return rows;
  }

  private static int code(Case work, Connection connection) throws Exception {
    try {
      work.run(connection);
      return 0;
    } catch (SQLException error) {
      return error.getErrorCode();
    }
  }

  private static void query(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      equal(List.of(List.of("SCOTT", new BigDecimal("1.5"))), rows(statement, "select user, 1.5 from dual"));
      statement.setFetchSize(7);
      List<List<Object>> numbers = rows(statement, "select level from dual connect by level <= 100");
      equal(100, numbers.size());
      equal(new BigDecimal(100), numbers.get(99).get(0));
      equal(List.of(), rows(statement, "select 1 from dual where 1 = 0"));
    }
  }

  private static Object roundTrip(Connection connection, String type, Object value) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement("select cast(? as " + type + ") from dual")) {
      statement.setObject(1, value);
      try (ResultSet result = statement.executeQuery()) {
        result.next();
        return value == null ? result.getObject(1) : result.getObject(1, value.getClass());
      }
    }
  }

  private static void types(Connection connection) throws SQLException {
    Map<Object, String> values = new LinkedHashMap<>();
    values.put("äöü €", "varchar2(100)");
    values.put(new BigDecimal("-12345678901234567890.123"), "number");
    values.put(1.25, "binary_double");
    values.put(0.5f, "binary_float");
    values.put(new byte[] {0, 1, -1}, "raw(10)");
    values.put(Timestamp.valueOf("2024-02-29 13:14:15.123456"), "timestamp");
    values.put(LocalDateTime.of(2024, 2, 29, 13, 14, 15), "date");
    values.put(OffsetDateTime.parse("2024-02-29T13:14:15.5+05:30"), "timestamp with time zone");
    values.put(Duration.ofSeconds(93784, 500_000_000), "interval day to second");
    values.put(true, "boolean");
    for (Map.Entry<Object, String> entry : values.entrySet()) {
      equal(entry.getKey(), roundTrip(connection, entry.getValue(), entry.getKey()));
      equal(null, roundTrip(connection, entry.getValue(), null));
    }
  }

  private static void json(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("create table java_json (doc json)");
      try (PreparedStatement insert = connection.prepareStatement("insert into java_json values (?)")) {
        insert.setString(1, "{\"a\":[1,\"b\",null]}");
        insert.executeUpdate();
      }
      try (ResultSet result = statement.executeQuery("select doc from java_json")) {
        result.next();
        equal("{\"a\":[1,\"b\",null]}", result.getString(1));
      }
    }
  }

  private static void longTexts(Connection connection) throws SQLException {
    String text = "ä".repeat(20_000);
    try (Statement statement = connection.createStatement()) {
      statement.execute("create table java_long (id number, c clob, b blob)");
      try (PreparedStatement insert = connection.prepareStatement("insert into java_long values (?, ?, ?)")) {
        insert.setInt(1, 1);
        insert.setString(2, text);
        insert.setBytes(3, text.getBytes(java.nio.charset.StandardCharsets.UTF_8));
        equal(1, insert.executeUpdate());
      }
      try (ResultSet result = statement.executeQuery("select c, b from java_long")) {
        result.next();
        equal(text, result.getString(1));
        equal(40_000, result.getBytes(2).length);
      }
    }
  }

  private static void lobs(Connection connection) throws SQLException {
    connection.setAutoCommit(false);
    Clob temporary = connection.createClob();
    temporary.setString(1, "temporary");
    equal("temporary", temporary.getSubString(1, 100));
    try (Statement statement = connection.createStatement()) {
      statement.execute("create table java_lobs (id number, c clob)");
      try (PreparedStatement insert = connection.prepareStatement("insert into java_lobs values (1, ?)")) {
        insert.setClob(1, temporary);
        insert.executeUpdate();
      }
      temporary.free();
      try (ResultSet result = statement.executeQuery("select c from java_lobs where id = 1 for update")) {
        result.next();
        Clob clob = result.getClob(1);
        equal(9L, clob.length());
        clob.setString(10, " and more");
        equal("temporary and more", clob.getSubString(1, 100));
        clob.truncate(4);
        equal("temp", clob.getSubString(1, 100));
      }
    }
    connection.commit();
  }

  private static void batch(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("create table java_batch (id number primary key, name varchar2(20))");
      try (PreparedStatement insert = connection.prepareStatement("insert into java_batch values (?, ?)")) {
        for (int row = 0; row < 250; row++) {
          insert.setInt(1, row);
          insert.setString(2, "row " + row);
          insert.addBatch();
        }
        equal(250, insert.executeBatch().length);
        for (int row : new int[] {1000, 1001, 5, 1002}) {
          insert.setInt(1, row);
          insert.setString(2, "again");
          insert.addBatch();
        }
        int[] counts = {};
        try {
          insert.executeBatch();
        } catch (BatchUpdateException error) {
          equal(1, error.getErrorCode());
          counts = error.getUpdateCounts();
        }
        // Those before the failing one.
        equal(2, counts.length);
      }
      equal(List.of(List.of(new BigDecimal(252))), rows(statement, "select count(*) from java_batch"));
    }
  }

  private static void returning(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("create table java_keys (id number generated always as identity, name varchar2(20))");
    }
    String sql = "insert into java_keys (name) values (?)";
    try (PreparedStatement insert = connection.prepareStatement(sql, new String[] {"ID"})) {
      for (int expected = 1; expected <= 2; expected++) {
        insert.setString(1, "one");
        insert.executeUpdate();
        try (ResultSet keys = insert.getGeneratedKeys()) {
          keys.next();
          equal(expected, keys.getInt(1));
        }
      }
    }
  }

  private static void procedures(Connection connection) throws SQLException {
    try (CallableStatement call = connection.prepareCall("begin ? := ? * 2; ? := ? || '!'; end;")) {
      call.registerOutParameter(1, Types.NUMERIC);
      call.setInt(2, 21);
      call.registerOutParameter(3, Types.VARCHAR);
      call.setString(4, "hello");
      for (int again = 0; again < 3; again++) {
        call.execute();
        equal(42, call.getInt(1));
        equal("hello!", call.getString(3));
      }
    }
    try (CallableStatement call = connection.prepareCall("begin open ? for select level n from dual connect by level < 4; end;")) {
      call.registerOutParameter(1, Types.REF_CURSOR);
      call.execute();
      try (ResultSet result = call.getObject(1, ResultSet.class)) {
        equal(3, rows(result).size());
      }
    }
  }

  private static void errors(Connection connection) throws Exception {
    equal(942, code((c) -> rows(c.createStatement(), "select * from nothing_here"), connection));
    equal(1476, code((c) -> rows(c.createStatement(), "select 1 / 0 from dual"), connection));
    equal(20001, code((c) -> c.createStatement().execute("begin raise_application_error(-20001, 'no'); end;"), connection));
    query(connection);
  }

  private static void transactions(Connection connection) throws Exception {
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement()) {
      statement.execute("create table java_work (id number)");
      statement.executeUpdate("insert into java_work values (1)");
      connection.rollback();
      statement.executeUpdate("insert into java_work values (2)");
      connection.commit();
      equal(List.of(List.of(new BigDecimal(2))), rows(statement, "select id from java_work"));
    }
  }

  private static void cancel(Connection connection) throws Exception {
    try (Statement statement = connection.createStatement()) {
      Thread canceler = new Thread(() -> {
        try {
          Thread.sleep(200);
          statement.cancel();
        } catch (Exception error) {
          throw new IllegalStateException(error);
        }
      });
      canceler.start();
      int code = code((c) -> statement.execute("begin dbms_session.sleep(30); end;"), connection);
      canceler.join();
      equal(1013, code);
      query(connection);
      statement.setQueryTimeout(1);
      equal(1013, code((c) -> statement.execute("begin dbms_session.sleep(30); end;"), connection));
      statement.setQueryTimeout(0);
      query(connection);
    }
  }

  private static void cancelIdle(Connection connection) throws Exception {
    try (Statement statement = connection.createStatement()) {
      equal(1, rows(statement, "select 1 from dual").size());
      statement.cancel();
      // A driver may let the cancellation hit the next call, or drop it.
      int code = code((c) -> rows(c.createStatement(), "select 1 from dual"), connection);
      if (code != 0 && code != 1013) throw new IllegalStateException("ORA-" + code);
      query(connection);
    }
  }

  private static void metadata(Connection connection) throws SQLException {
    DatabaseMetaData metadata = connection.getMetaData();
    String escape = metadata.getSearchStringEscape();
    try (Statement statement = connection.createStatement()) {
      statement.execute("create table java_parent (id number(9) primary key)");
      statement.execute("comment on table java_parent is 'the parent'");
      statement.execute(
        "create table java_child (id number(9) not null, parent number(9) not null references java_parent (id) on delete cascade, "
          + "name varchar2(30) default 'x', constraint java_child_pk primary key (id, parent))");
      statement.execute("create unique index java_child_name on java_child (name)");
    }
    equal(1, rows(metadata.getTables(null, "SCOTT", "JAVA" + escape + "_PARENT", new String[] {"TABLE"})).size());
    try (ResultSet columns = metadata.getColumns(null, "SCOTT", "JAVA" + escape + "_CHILD", "%")) {
      columns.next();
      equal("ID", columns.getString("COLUMN_NAME"));
      equal("NO", columns.getString("IS_NULLABLE"));
      columns.next();
      columns.next();
      equal(30, columns.getInt("COLUMN_SIZE"));
      equal("'x'", columns.getString("COLUMN_DEF").trim());
    }
    equal(2, rows(metadata.getPrimaryKeys(null, "SCOTT", "JAVA_CHILD")).size());
    equal(1, rows(metadata.getImportedKeys(null, "SCOTT", "JAVA_CHILD")).size());
    equal(1, rows(metadata.getExportedKeys(null, "SCOTT", "JAVA_PARENT")).size());
    // The table's statistics, two columns of the primary key and one of the other index.
    equal(4, rows(metadata.getIndexInfo(null, "SCOTT", "JAVA_CHILD", false, true)).size());
    rows(metadata.getSchemas());
    rows(metadata.getTableTypes());
    rows(metadata.getCatalogs());
    rows(metadata.getTypeInfo());
    rows(metadata.getProcedures(null, "SCOTT", "%"));
    rows(metadata.getFunctions(null, "SCOTT", "%"));
    rows(metadata.getTablePrivileges(null, "SCOTT", "JAVA_CHILD"));
    rows(metadata.getColumnPrivileges(null, "SCOTT", "JAVA_CHILD", "%"));
    rows(metadata.getBestRowIdentifier(null, "SCOTT", "JAVA_CHILD", DatabaseMetaData.bestRowSession, true));
    rows(metadata.getVersionColumns(null, "SCOTT", "JAVA_CHILD"));
    rows(metadata.getUDTs(null, "SCOTT", "%", null));
    rows(metadata.getCrossReference(null, "SCOTT", "JAVA_PARENT", null, "SCOTT", "JAVA_CHILD"));
  }

  private static void wrongPassword(Connection connection) throws Exception {
    equal(1017, code((c) -> connect("wrong").close(), connection));
  }

  private static void valid(Connection connection) throws SQLException {
    equal(true, connection.isValid(5));
    connection.setClientInfo("OCSID.MODULE", "cases");
    try (Statement statement = connection.createStatement()) {
      equal(List.of(List.of("cases")), rows(statement, "select sys_context('userenv', 'module') from dual"));
    }
    equal("SCOTT", connection.getSchema());
  }

  public static void main(String[] arguments) throws Exception {
    url = "jdbc:oracle:thin:@//" + arguments[0];
    String only = arguments.length > 1 ? arguments[1] : null;
    Map<String, Case> cases = new LinkedHashMap<>();
    cases.put("log on with a wrong password", Cases::wrongPassword);
    cases.put("query", Cases::query);
    cases.put("bind and read every type", Cases::types);
    cases.put("JSON", Cases::json);
    cases.put("long texts and bytes", Cases::longTexts);
    cases.put("LOBs", Cases::lobs);
    cases.put("batches", Cases::batch);
    cases.put("returned values", Cases::returning);
    cases.put("PL/SQL and REF CURSORs", Cases::procedures);
    cases.put("errors", Cases::errors);
    cases.put("transactions", Cases::transactions);
    cases.put("cancel a call that runs", Cases::cancel);
    cases.put("cancel an idle connection", Cases::cancelIdle);
    cases.put("validity and client info", Cases::valid);
    cases.put("metadata of the database", Cases::metadata);
    for (Map.Entry<String, Case> entry : cases.entrySet()) {
      if (only != null && !entry.getKey().contains(only)) continue;
      try (Connection connection = connect("tiger")) {
        entry.getValue().run(connection);
        System.out.println("ok " + entry.getKey());
      } catch (Throwable error) {
        System.out.println("failed " + entry.getKey() + ": " + String.valueOf(error).replace('\n', ' '));
        if (only != null) error.printStackTrace(System.out);
      }
    }
  }
}
